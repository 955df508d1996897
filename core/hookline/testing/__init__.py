"""The conformance kit for plugin authors: `checks_for(component)` returns every check of its kind.

Example:
    >>> import pytest
    >>> from hookline.testing import checks_for
    >>> @pytest.mark.parametrize("check", checks_for(MyTrainer()), ids=str)  # doctest: +SKIP
    ... def test_conforms(check):
    ...     check()
"""

from .check import Check, checks_for
from .subject import CheckFailed

__all__ = ["Check", "CheckFailed", "checks_for"]
