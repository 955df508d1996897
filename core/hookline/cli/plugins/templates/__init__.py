"""What `hookline plugins new` writes; words between @ are filled in."""
