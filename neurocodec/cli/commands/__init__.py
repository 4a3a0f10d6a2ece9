"""The commands, one thin one a file."""
