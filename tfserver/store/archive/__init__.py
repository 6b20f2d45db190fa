"""Punches, terminals and people ids in SQL, for good (docs/archive.md). The only place with SQL."""
