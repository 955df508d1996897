"""The HTTP server: protocols, batching, log."""
