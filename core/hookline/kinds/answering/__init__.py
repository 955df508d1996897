"""What becomes of what a model says: rules by which an answer is made of it, that travel with the model."""
