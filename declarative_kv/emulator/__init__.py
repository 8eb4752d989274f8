"""A local Azure, HTTP-shaped: Entra ID, Resource Manager, Microsoft Graph and Key Vault in one process."""
