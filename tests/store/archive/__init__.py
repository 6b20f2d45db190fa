"""The archive on real databases."""
