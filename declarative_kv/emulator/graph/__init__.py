"""Microsoft Graph: users, groups, applications and service principals."""
