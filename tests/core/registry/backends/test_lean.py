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


def test_a_module_that_is_put_off_is_imported_once_something_of_it_is_used() -> None:
    code = (
        "import sys\nfrom hookline.registry.backends.lean import put_off\n"
        "with put_off('colorsys'):\n    import colorsys as module\n    from colorsys import rgb_to_hsv\n"
        "import pickle\nrgb_to_hsv = pickle.loads(pickle.dumps(rgb_to_hsv))\n"
        "print('colorsys' in sys.modules, rgb_to_hsv(0, 0, 1), 'colorsys' in sys.modules)\n"
        "print(module.ONE_THIRD.as_integer_ratio() == (1 / 3).as_integer_ratio(), module.rgb_to_hsv(0, 0, 1))\n"
        "import colorsys\nprint(colorsys.ONE_THIRD)"
    )
    hsv = "(0.6666666666666666, 1.0, 1)"
    assert run_python(code).stdout == f"False {hsv} True\nTrue {hsv}\n{1 / 3}\n"


def test_a_module_that_is_put_off_comes_where_it_is_used_at_once() -> None:
    code = (
        "import sys\nfrom hookline.registry.backends.lean import put_off\n"
        "with put_off('colorsys'):\n    from colorsys import rgb_to_hsv\n    print(rgb_to_hsv(0, 0, 0))\n"
        "import colorsys\nprint(sys.modules['colorsys'] is colorsys, colorsys.ONE_THIRD)\n"
        "with put_off('colorsys'):\n    import colorsys as same\n    print(same is colorsys)"
    )
    assert run_python(code).stdout == f"(0.0, 0.0, 0)\nTrue {1 / 3}\nTrue\n"


def test_scikit_learn_does_without_scipys_statistics_until_a_model_asks_for_them() -> None:
    code = (
        "import sys\nimport hookline_sklearn.beside\nimport numpy as np\n"
        "from sklearn.linear_model import LogisticRegression\nfrom sklearn.preprocessing import QuantileTransformer\n"
        "LogisticRegression().fit([[0.0], [1.0]], [0, 1])\nprint('scipy.stats' in sys.modules)\n"
        "scaled = QuantileTransformer(n_quantiles=3, output_distribution='normal').fit_transform([[0.0], [1.0], [2.0]])\n"
        "print('scipy.stats' in sys.modules, float(scaled[1, 0]))"
    )
    assert run_python(code).stdout == "False\nTrue 0.0\n"


def test_a_backend_of_many_dataclasses_makes_the_same_of_them_without_what_shows_and_compares_them() -> None:
    code = (
        "import dataclasses, sys\nusual = dataclasses.dataclass\nfrom hookline.registry.backends.lean import import_bare\n"
        "import_bare('spox.opset.ai.onnx.v21')\nimport spox, spox.opset.ai.onnx.v21 as op, numpy as np\n"
        "print(dataclasses.dataclass is usual, '__eq__' in vars(op._Abs.Inputs))\n"
        "x = spox.argument(spox.Tensor(np.float32, ('N',)))\n"
        "print([node.op_type for node in spox.build({'x': x}, {'y': op.abs(op.add(x, x))}).graph.node])"
    )
    assert run_python(code).stdout == "True False\n['Add', 'Abs', 'Identity']\n"
