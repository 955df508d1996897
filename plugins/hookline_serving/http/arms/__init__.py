"""Who answers: the versions that a policy names, each at its part, and those that are asked beside."""
