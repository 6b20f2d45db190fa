"""Anything at every door: ``python -m tests.fuzz`` for long, the suite for seconds (docs/reliability.md)."""
