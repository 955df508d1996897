"""The operators of TensorFlow that a SavedModel may have without anybody's trust: they compute, and reach nothing outside."""

from __future__ import annotations

KEEPING = frozenset({"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"})
"""Operators that touch files, which TensorFlow puts into functions of each SavedModel that nothing calls after loading."""
_FRAME = """
    Assert Const EnsureShape Identity IdentityN If NoOp PartitionedCall Placeholder StatefulPartitionedCall
    StatelessIf StatelessWhile StopGradient While
"""
"""What holds a graph together, chooses, repeats and calls; which functions are called is looked at as well."""
TABLES = frozenset({"HashTableV2", "LookupTableFindV2", "LookupTableImportV2", "LookupTableSizeV2"})
"""Tables that a function fills from constants; those that are filled from a file are another operator."""
_NUMBERS = """
    Abs Acos Acosh Add AddV2 All Any ArgMax ArgMin Asin Asinh Atan Atan2 Atanh AvgPool AvgPool3D BatchMatMul
    BatchMatMulV2 BatchMatMulV3 BatchToSpaceND BiasAdd Bitcast BitwiseAnd BroadcastArgs BroadcastTo Bucketize
    Cast Ceil CheckNumerics ClipByValue ConcatV2 Conv2D Conv2DBackpropInput Conv3D Conv3DBackpropInputV2 Cos
    Cosh Cross Cumprod Cumsum DenseBincount DepthwiseConv2dNative Digamma DivNoNan Einsum Elu Equal Erf Erfc
    Erfinv Exp ExpandDims Expm1 Fill Floor FloorDiv FloorMod FusedBatchNormV3 GatherNd GatherV2 Greater
    GreaterEqual IsFinite IsInf IsNan L2Loss LeakyRelu Less LessEqual Lgamma LinSpace Log Log1p LogSoftmax
    LogicalAnd LogicalNot LogicalOr MatMul MatrixBandPart Max MaxPool MaxPool3D Maximum Mean Min Minimum
    MirrorPad Mul Neg NotEqual OneHot OnesLike Pack Pad PadV2 Pow Prod RaggedTensorToTensor Range Rank RealDiv
    Reciprocal Relu Relu6 Reshape ResizeBilinear ResizeNearestNeighbor ReverseV2 Rint Roll Round Rsqrt ScatterNd
    Select SelectV2 Selu Shape Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToBatchND Split
    SplitV Sqrt Square SquaredDifference Squeeze StaticRegexFullMatch StridedSlice StringJoin StringSplitV2
    StringToNumber Sub Sum Tan Tanh TensorListElementShape TensorListFromTensor TensorListGetItem
    TensorListLength TensorListReserve TensorListSetItem TensorListStack Tile TopKV2 Transpose TruncateDiv
    TruncateMod Unpack Where Xdivy Xlogy ZerosLike
"""
"""What fitted stages, the layers and operations of Keras, and what turns an answer into a decision are written with."""
HARMLESS = frozenset(_FRAME.split()) | TABLES | frozenset(_NUMBERS.split())
"""All of them. Variables are not there: weights are constants of the graph."""
