"""The files of a new plugin package around its component."""

from __future__ import annotations

PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "@DISTRIBUTION@"
version = "0.1.0"
description = "A @KIND@ for hookline."
readme = "README.md"
requires-python = ">=3.11"
dependencies = [@DEPENDENCIES@]

[project.optional-dependencies]
dev = ["pytest>=8.3"]

# The key is the plugin's name: its components are called `@NAME@.<name>`.
[project.entry-points.hookline]
@NAME@ = "@MODULE@"

[tool.hatch.build.targets.wheel]
packages = ["src/@MODULE@"]

[tool.pytest.ini_options]
testpaths = ["tests"]
addopts = "--import-mode=importlib"
"""

README = """\
# @DISTRIBUTION@

The @KIND@ `@COMPONENT@` for [hookline](https://pypi.org/project/hookline/).

```
pip install @DISTRIBUTION@
hookline components show @KIND@ @COMPONENT@
@USE@
```

To work on it:

```
pip install --editable '.[dev]'
pytest
hookline plugins check @NAME@
```
"""

CI = """\
name: test
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        python: ["3.11", "3.13"]
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: ${{ matrix.python }}
      - run: pip install --editable '.[dev]'
      - run: pytest
      - run: hookline plugins check @NAME@
"""

INIT = '''\
"""@DISTRIBUTION@: a @KIND@ for hookline."""

from __future__ import annotations

from hookline import @BASE@, hookimpl

from .@LOCAL@ import @CLASS@

__all__ = ["@CLASS@"]


@hookimpl
def register_@KIND@s() -> list[type[@BASE@]]:
    """Return the @KIND@."""
    return [@CLASS@]
'''

TEST = '''\
"""The @KIND@ keeps every promise of its kind."""

import pytest
from @MODULE@ import @CLASS@

from hookline.testing import Check, checks_for


@pytest.mark.parametrize("check", checks_for(@CLASS@()), ids=str)
def test_conforms(check: Check) -> None:
    check()
'''
