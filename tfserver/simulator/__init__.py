"""Simulated attendance terminals: WebSocket clients written from the protocol page alone.

They import nothing else of tfserver, so that a mistake in its reading of the protocol is not repeated here.
"""
