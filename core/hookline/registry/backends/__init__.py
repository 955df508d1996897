"""How backends are imported: without reporting home, and without what they could do without; and Ray clusters begun or joined."""
