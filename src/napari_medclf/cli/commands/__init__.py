"""One module a command of `medclf`, imported when the command is asked for."""
