"""The vocabulary: each message class beside its handler, by subject. Importing it fills the handler table."""

from tfserver.commands import access, device, logs, other, users

__all__ = ["access", "device", "logs", "other", "users"]
