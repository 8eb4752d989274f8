"""What lint finds, in every form, and the page about its rules."""
