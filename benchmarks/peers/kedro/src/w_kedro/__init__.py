"""Run W as a Kedro project."""
