"""Entra ID: discovery, tokens and the keys that sign them."""
