"""The conformance kit for plugin authors: `checks_for(component)` returns every check of its kind.

`steps_in(curve)` keeps in a Curve what a trainer reports while it fits within its block, for a test of that.

Example:
    >>> import pytest
    >>> from hookline.testing import checks_for
    >>> @pytest.mark.parametrize("check", checks_for(MyTrainer()), ids=str)  # doctest: +SKIP
    ... def test_conforms(check):
    ...     check()
"""

from hookline.kinds.fitting import Curve, steps_in

from .check import Check, checks_for
from .subject import CheckFailed

__all__ = ["Check", "CheckFailed", "Curve", "checks_for", "steps_in"]
