"""Config files that the plugin adds to the search path of hookline."""
