"""Trains a Keras model by its own `fit`, from a checkpoint where there is one."""
