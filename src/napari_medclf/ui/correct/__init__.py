"""The Correct tab: classes, tools, prompts, objects, decisions, and the painting behind them."""
