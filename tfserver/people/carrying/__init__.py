"""Carrying a plan out at one terminal, step by step (docs/people.md)."""
