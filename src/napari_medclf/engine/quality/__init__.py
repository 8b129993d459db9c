"""What is wrong with images before anyone learns from them."""
