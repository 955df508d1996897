"""Learning: a model trained again on rows whose truth came since, tested on later ones, and put in force if it is better."""
