"""What each operator of ONNX is in TensorFlow: those that fitted transforms and featurizers are said with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from ..runtime import tensorflow

if TYPE_CHECKING:
    import onnx

Attributes: TypeAlias = "Mapping[str, Any]"
Operator: TypeAlias = "Callable[[Any, list[Any], Attributes], Any]"
"""TensorFlow, a node's inputs (None where one is left out) and its attributes -> its output, or a list of several."""


def operators() -> Mapping[str, Operator]:
    """Return the operators by their names in ONNX."""
    return {**{name: _plain(function) for name, function in _PLAIN.items()}, **_OWN}


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """Return a node's attributes as Python's values; tensors as arrays."""
    import onnx
    from onnx.numpy_helper import to_array

    found: dict[str, Any] = {}
    for attribute in node.attribute:
        value = onnx.helper.get_attribute_value(attribute)
        found[attribute.name] = to_array(value) if isinstance(value, onnx.TensorProto) else value
    return found


def table_of(node: onnx.NodeProto) -> Any:
    """Return a LabelEncoder's table, to be made outside of any graph: a tf.lookup.StaticHashTable."""
    tf, given = tensorflow(), attributes_of(node)
    keys, values = _ends(tf, given, "keys"), _ends(tf, given, "values")
    default = {tf.string: ("default_string", b"_Unused"), tf.int64: ("default_int64", -1)}.get(
        values.dtype, ("default_float", -0.0)
    )
    filled = tf.lookup.KeyValueTensorInitializer(keys, values)
    return tf.lookup.StaticHashTable(filled, tf.constant(given.get(*default), values.dtype))


def _ends(tf: Any, given: Attributes, end: str) -> Any:
    types = {f"{end}_strings": tf.string, f"{end}_int64s": tf.int64, f"{end}_floats": tf.float32}
    name = next(name for name in types if name in given)
    return tf.constant(given[name], types[name])


def dtype_of(tf: Any, element: int) -> Any:
    """Return TensorFlow's type for ONNX's number of one."""
    import onnx

    names = {"STRING": "string", "DOUBLE": "float64", "FLOAT": "float32", "BOOL": "bool"}
    name = onnx.TensorProto.DataType.Name(element)
    return getattr(tf, names.get(name, name.lower()))


_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "Abs": lambda tf: tf.abs,
    "Add": lambda tf: tf.add,
    "And": lambda tf: tf.logical_and,
    "Ceil": lambda tf: tf.math.ceil,
    "Cos": lambda tf: tf.cos,
    "Equal": lambda tf: tf.equal,
    "Exp": lambda tf: tf.exp,
    "Floor": lambda tf: tf.floor,
    "Greater": lambda tf: tf.greater,
    "GreaterOrEqual": lambda tf: tf.greater_equal,
    "Identity": lambda tf: tf.identity,
    "IsNaN": lambda tf: tf.math.is_nan,
    "Less": lambda tf: tf.less,
    "LessOrEqual": lambda tf: tf.less_equal,
    "Log": lambda tf: tf.math.log,
    "MatMul": lambda tf: tf.matmul,
    "Mul": lambda tf: tf.multiply,
    "Neg": lambda tf: tf.negative,
    "Not": lambda tf: tf.logical_not,
    "Or": lambda tf: tf.logical_or,
    "Pow": lambda tf: tf.pow,
    "Relu": lambda tf: tf.nn.relu,
    "Sigmoid": lambda tf: tf.sigmoid,
    "Sin": lambda tf: tf.sin,
    "Sqrt": lambda tf: tf.sqrt,
    "Sub": lambda tf: tf.subtract,
    "Tanh": lambda tf: tf.tanh,
    "Where": lambda tf: tf.where,
    "Xor": lambda tf: tf.math.logical_xor,
}
"""Operators that TensorFlow has a function for with the same arguments."""


def _plain(function: Callable[[Any], Any]) -> Operator:
    return lambda tf, given, attributes: function(tf)(*given)


def _div(tf: Any, given: list[Any], attributes: Attributes) -> Any:
    # Of whole numbers ONNX rounds toward zero.
    return tf.truncatediv(*given) if given[0].dtype.is_integer else tf.divide(*given)


def _cast(tf: Any, given: list[Any], attributes: Attributes) -> Any:
    (value,), wanted = given, dtype_of(tf, attributes["to"])
    if value.dtype != tf.string:
        return tf.cast(value, wanted)
    read = wanted if wanted in (tf.float32, tf.float64, tf.int32, tf.int64) else tf.float64
    return tf.cast(tf.strings.to_number(value, read), wanted)


def _split(tf: Any, given: list[Any], attributes: Attributes) -> Any:
    parts = given[1] if len(given) > 1 and given[1] is not None else attributes["num_outputs"]
    return tf.split(given[0], parts, axis=attributes.get("axis", 0))


def _reshape(tf: Any, given: list[Any], attributes: Attributes) -> Any:
    value, shape = given
    constant = tf.get_static_value(shape)
    if constant is None:
        return tf.reshape(value, shape)
    seen = tf.shape(value, out_type=tf.int64)
    return tf.reshape(value, [seen[place] if size == 0 else int(size) for place, size in enumerate(constant)])


def _squeeze(tf: Any, given: list[Any], attributes: Attributes) -> Any:
    return tf.squeeze(given[0], _numbers(tf, given[1]) if len(given) > 1 else None)


def _unsqueeze(tf: Any, given: list[Any], attributes: Attributes) -> Any:
    value = given[0]
    for axis in sorted(_numbers(tf, given[1])):
        value = tf.expand_dims(value, axis)
    return value


def _numbers(tf: Any, tensor: Any) -> list[int]:
    found: list[int] = tf.get_static_value(tensor).ravel().tolist()
    return found


def _expand(tf: Any, given: list[Any], attributes: Attributes) -> Any:
    value, shape = given
    return tf.broadcast_to(value, tf.broadcast_dynamic_shape(tf.shape(value), tf.cast(shape, tf.int32)))


def _reduced(name: str) -> Operator:
    def reduce(tf: Any, given: list[Any], attributes: Attributes) -> Any:
        axes = _numbers(tf, given[1]) if len(given) > 1 and given[1] is not None else attributes.get("axes")
        return getattr(tf, name)(given[0], axis=axes, keepdims=bool(attributes.get("keepdims", 1)))

    return reduce


def _string_split(tf: Any, given: list[Any], attributes: Attributes) -> Any:
    """Return parts, (..., most parts), and nothing for how many there are, which nobody asks."""
    (text,), sign = given, attributes.get("delimiter", b"").decode()
    flat = tf.reshape(text, [-1])
    parts = (tf.strings.split(flat, sign) if sign else tf.strings.split(flat)).to_tensor("")
    return [tf.reshape(parts, tf.concat([tf.shape(text), tf.shape(parts)[1:]], axis=0)), None]


def _concat(tf: Any, given: list[Any], attributes: Attributes) -> Any:
    return tf.concat(given, axis=attributes["axis"])


def _constant(tf: Any, given: list[Any], attributes: Attributes) -> Any:
    types = {"value_float": tf.float32, "value_floats": tf.float32, "value_int": tf.int64, "value_ints": tf.int64}
    ((name, value),) = attributes.items()
    return tf.constant(value, types.get(name))


_OWN: Mapping[str, Operator] = {
    "ArgMax": lambda tf, given, at: tf.argmax(given[0], axis=at.get("axis", 0)),
    "Cast": _cast,
    "Concat": _concat,
    "Constant": _constant,
    "Div": _div,
    "Expand": _expand,
    "Gather": lambda tf, given, at: tf.gather(*given, axis=at.get("axis", 0)),
    "Max": lambda tf, given, at: _folded(tf.maximum, given),
    "Min": lambda tf, given, at: _folded(tf.minimum, given),
    "Mod": lambda tf, given, at: tf.truncatemod(*given) if at.get("fmod") else tf.math.floormod(*given),
    "ReduceMax": _reduced("reduce_max"),
    "ReduceMean": _reduced("reduce_mean"),
    "ReduceMin": _reduced("reduce_min"),
    "ReduceSum": _reduced("reduce_sum"),
    "RegexFullMatch": lambda tf, given, at: tf.strings.regex_full_match(given[0], at["pattern"].decode()),
    "Reshape": _reshape,
    "Shape": lambda tf, given, at: tf.shape(given[0], out_type=tf.int64),
    "Softmax": lambda tf, given, at: tf.nn.softmax(given[0], axis=at.get("axis", -1)),
    "Split": _split,
    "Squeeze": _squeeze,
    "StringConcat": lambda tf, given, at: tf.strings.join(_broadcast(tf, given)),
    "StringSplit": _string_split,
    "Transpose": lambda tf, given, at: tf.transpose(given[0], at.get("perm")),
    "Unsqueeze": _unsqueeze,
}
"""Operators that are said otherwise in TensorFlow."""


def _folded(function: Callable[[Any, Any], Any], given: list[Any]) -> Any:
    found = given[0]
    for one in given[1:]:
        found = function(found, one)
    return found


def _broadcast(tf: Any, given: list[Any]) -> list[Any]:
    shape = tf.broadcast_dynamic_shape(tf.shape(given[0]), tf.shape(given[1]))
    return [tf.broadcast_to(one, shape) for one in given]
