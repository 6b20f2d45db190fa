"""Real servers for tests: a store and tfserver itself, as processes of their own on loopback."""
