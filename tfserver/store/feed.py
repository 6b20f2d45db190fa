"""Punches by arrival, from the stream and, where that was trimmed, from the archive."""
