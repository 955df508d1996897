"""The checks of the conformance kit: common ones, and a module a kind."""
