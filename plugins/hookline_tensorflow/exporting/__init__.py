"""Says a fitted pipeline in graphs: a Keras model in ONNX, and all of it in TensorFlow."""
