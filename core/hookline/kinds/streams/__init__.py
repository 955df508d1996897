"""Sources whose rows keep coming: what more they may be able to do, and what their positions say, and of what."""
