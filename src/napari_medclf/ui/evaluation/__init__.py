"""What an evaluation says, as tables and plots whose cells and points list the cases behind them."""
