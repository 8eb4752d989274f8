"""The command line: one file a command, the composition root, and the one place where errors become text."""
