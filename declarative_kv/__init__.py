"""declarative-kv: a declarative reconciler for Azure Key Vault."""

__version__ = "0.1.0"
