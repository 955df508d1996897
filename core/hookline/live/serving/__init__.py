"""Answering requests: in this process, or in several that share one port and are watched, replaced and drained."""
