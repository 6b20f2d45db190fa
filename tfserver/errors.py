"""Exceptions that cross the floors of the house: our own mistakes and a store out of reach.

A terminal's mistake is never an exception; it is an event of the session (design §4.6).
"""

from __future__ import annotations


class TfserverError(Exception):
    """Base of all errors that are raised on purpose."""


class ConfigError(TfserverError):
    """A setting, option or environment value is wrong; the text says where and what was expected."""


class StartError(TfserverError):
    """The server can't start: port in use, data folder locked, store unfit; the text says what to do."""


class StoreUnreachable(StartError):
    """Nothing that could be a store answers."""


class StoreError(TfserverError):
    """The store answered, but not with what was asked for."""


class StoreUnavailable(StoreError):
    """The store did not confirm within the deadline; whether the write happened is not known."""


class ScriptFailed(StoreError):
    """A script ended with an error of its own: the fault is in the call, not in the connection."""


class Gone(TfserverError):
    """A cursor points at what is no longer kept."""


class ArchiveUnavailable(StoreUnavailable):
    """The archive did not answer within the deadline, or can't be reached; the text says why."""
