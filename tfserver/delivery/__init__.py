"""Punches on their way out: into the archive, and to other systems."""
