"""Key Vault's data plane: secrets with versions, soft delete, backups and pages."""
