"""Rows that keep coming: stored batch by batch before anything is made of them, and learned or answered once each."""
