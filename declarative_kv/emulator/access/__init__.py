"""Who may do what: role definitions, assignments, conditions and access policies evaluated."""
