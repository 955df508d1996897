"""How answers are made of what the model says, as stages between the trainer and who judges it."""
