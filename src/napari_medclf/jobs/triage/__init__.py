"""Which answers of a run a person should look at first, and the page that shows them."""
