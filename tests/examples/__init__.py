"""Every example, applied, and looked at with Azure's own clients."""
