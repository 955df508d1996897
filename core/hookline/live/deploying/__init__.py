"""Which version answers: planned on the prediction log, put in force, looked at, put back, and said to a cluster."""
