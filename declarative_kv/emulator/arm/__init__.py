"""Azure Resource Manager: subscriptions, groups, vaults, access policies, roles."""
