"""Decide and act: resolve, refresh, plan, guard and apply, for kinds that are handed in."""
