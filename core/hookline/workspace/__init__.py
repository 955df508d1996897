"""Where things are kept: home, store, catalog, and the store's mirror."""
