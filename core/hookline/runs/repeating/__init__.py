"""How far a model hangs on chance: the pipeline fitted again with other seeds, judged by the same held-out rows."""
