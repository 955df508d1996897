"""Feature sets in use: which versions there are, who uses which, what they are to make, and how they fared."""
