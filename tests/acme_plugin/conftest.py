"""This folder is a distribution, not a folder of tests: nothing in it is collected."""

collect_ignore_glob = ["*"]
