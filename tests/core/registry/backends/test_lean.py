"""A backend imported without a library that it only looks for."""

from __future__ import annotations

import pytest

from kit.processes import run_python


@pytest.mark.parametrize("backend", ["sklearn.base", "skl2onnx"])
def test_a_backend_is_imported_without_a_library_which_is_there_afterwards(backend: str) -> None:
    code = (
        "import sys\nfrom hookline.registry.backends.lean import import_without\n"
        "import_without('pandas', 'sklearn.base')\nimport_without('pandas', sys.argv[1])\n"
        "print(sys.argv[1] in sys.modules, 'pandas' in sys.modules)\n"
        "import pandas\nprint(pandas.DataFrame({'a': [1]}).shape)"
    )
    assert run_python(code, backend).stdout == "True False\n(1, 1)\n"


def test_a_library_that_is_there_already_stays() -> None:
    code = (
        "import sys, json\nfrom hookline.registry.backends.lean import import_without\n"
        "import_without('json', 'wave')\nprint(sys.modules['json'] is json)"
    )
    assert run_python(code).stdout == "True\n"


def test_scipy_is_imported_without_numpys_compiler_which_is_there_afterwards() -> None:
    code = (
        "import sys\nfrom hookline.registry.backends.lean import import_scipy\n"
        "import_scipy()\nimport numpy, scipy.sparse\n"
        "print('numpy.f2py' in sys.modules, scipy.sparse.csr_matrix([[0, 1]]).nnz)\n"
        "print(numpy.f2py.__file__.endswith('__init__.py'))\nimport_scipy()\nprint(callable(numpy.f2py.get_include))"
    )
    assert run_python(code).stdout == "False 1\nTrue\nTrue\n"
