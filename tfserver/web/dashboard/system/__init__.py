"""Pages about the server itself: processes, store, webhooks, who may do what and who did what."""
