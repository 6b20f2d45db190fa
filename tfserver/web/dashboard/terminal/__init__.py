"""The pages of one terminal: how it is, its orders, its messages, what people decided for it."""
