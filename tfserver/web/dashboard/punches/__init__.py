"""The pages of punches: as they come, searched for, whether all are here, and what could not be read."""
