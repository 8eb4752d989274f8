"""Values to text, JSON and Markdown: everything here returns what the command line prints."""
