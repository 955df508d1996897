"""A pipeline's graph as a module of PyTorch, translated operator by operator, and the formats that hold it."""
