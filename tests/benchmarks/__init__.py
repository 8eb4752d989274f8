"""How many requests, seconds and megabytes the program needs."""
