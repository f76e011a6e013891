"""The client in one of its two colours: a session that executes operations, and the methods that make them."""
