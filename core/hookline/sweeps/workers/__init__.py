"""Worker processes of this machine, watched and replaced, and what a launcher of any machines is to a sweep."""
