"""The databases, each as its driver speaks to it: what types a statement has, and its rows batch by batch."""
