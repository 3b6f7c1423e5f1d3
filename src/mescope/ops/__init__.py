"""State-space mathematics, torch only: one plain definition, faster back ends held to it."""
