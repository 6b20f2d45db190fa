"""Everything that is kept, in one file, and back (docs/cli.md has the format)."""
