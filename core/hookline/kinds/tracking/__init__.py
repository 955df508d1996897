"""What a tracker such as MLflow is told of runs and versions, and must be able to do."""
