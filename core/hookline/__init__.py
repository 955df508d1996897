"""hookline: from raw data to a watched model, through one typed plugin contract."""

import lazy_loader

from . import errors as errors

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
