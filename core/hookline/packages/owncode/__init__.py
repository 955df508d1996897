"""Code of people's own that travels in a package: found, kept as files, and imported beside other bodies of the same."""
