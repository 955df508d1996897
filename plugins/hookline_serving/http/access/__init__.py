"""Who may ask a server: those with a token, over a connection that is encrypted."""
