# SPDX-License-Identifier: Apache-2.0
"""Tensors and layers under TensorRT's Python names."""
import weakref

import numpy as np

from .. import _core
from ._basic import Dims, DimsHW, Permutation, Strict, Weights, unsupported, weights_array
from ._enums import (ActivationType, BoundingBoxFormat, CumulativeOperation, DataType, ElementWiseOperation, FillOperation, GatherMode,
                     InterpolationMode, LayerType, MatrixOperation, PaddingMode, PoolingType, ReduceOperation,
                     ResizeCoordinateTransformation, ResizeRoundMode, SampleMode, ScaleMode, ScatterMode, TensorLocation, TopKOperation,
                     UnaryOperation)


def dims(value):
    """Anything that a Dims argument takes, as a list."""
    if isinstance(value, (int, np.integer)):
        raise TypeError(f"dimensions are wanted, not {value}")
    return [int(d) for d in value]


_DIMENSION_NAMES = weakref.WeakKeyDictionary()  # of the core's tensors: {index: name}


class ITensor(Strict):
    def __init__(self, core):
        self._core = core

    name = property(lambda self: self._core.name, lambda self, v: setattr(self._core, "name", v))
    shape = property(lambda self: Dims(self._core.shape), lambda self, v: setattr(self._core, "shape", dims(v)))
    dtype = property(lambda self: DataType(self._core.dtype), lambda self, v: setattr(self._core, "dtype", int(v)))
    is_network_input = property(lambda self: self._core.is_input)
    is_network_output = property(lambda self: self._core.is_output)
    is_shape_tensor = property(lambda self: self._core.is_shape_tensor)
    is_execution_tensor = property(lambda self: not self._core.is_shape_tensor)
    allowed_formats = property(lambda self: self._core.allowed_formats, lambda self, v: setattr(self._core, "allowed_formats", int(v)))
    broadcast_across_batch = property(lambda self: False)

    @property
    def location(self):
        return TensorLocation.DEVICE

    @location.setter
    def location(self, value):
        if value != TensorLocation.DEVICE:
            raise unsupported("ITensor.location = HOST", "engines take tensors in device memory")

    @property
    def dynamic_range(self):
        return self._core.dynamic_range

    @dynamic_range.setter
    def dynamic_range(self, value):
        self._core.set_dynamic_range(float(value[0]), float(value[1]))

    def set_dynamic_range(self, min, max):
        self._core.set_dynamic_range(float(min), float(max))
        return True

    def reset_dynamic_range(self):
        self._core.reset_dynamic_range()

    def _dimension(self, index):
        if not 0 <= index < len(self.shape):
            raise _core.OutOfRange(f"tensor '{self.name}' has {len(self.shape)} dimensions, not one with index {index}")
        return _DIMENSION_NAMES.setdefault(self._core, {})

    def get_dimension_name(self, index):
        return self._dimension(index).get(index)

    def set_dimension_name(self, index, name):
        self._dimension(index)[index] = str(name)

    def __eq__(self, other):
        return isinstance(other, ITensor) and self._core is other._core

    def __hash__(self):
        return hash(self._core)

    def __repr__(self):
        return f"<ITensor '{self.name}'>"


class ILayer(Strict):
    def __init__(self, core):
        self._core = core

    name = property(lambda self: self._core.name, lambda self, v: setattr(self._core, "name", v))
    metadata = property(lambda self: self._core.metadata, lambda self, v: setattr(self._core, "metadata", v))
    type = property(lambda self: LayerType(self._core.type))
    num_inputs = property(lambda self: self._core.num_inputs)
    num_outputs = property(lambda self: self._core.num_outputs)
    precision_is_set = property(lambda self: self._core.precision is not None)

    @property
    def precision(self):
        value = self._core.precision
        return DataType.FLOAT if value is None else DataType(value)

    @precision.setter
    def precision(self, value):
        self._core.set_precision(int(value))

    def reset_precision(self):
        self._core.reset_precision()

    def get_input(self, index):
        return _tensor(self._core.input(index))

    def get_output(self, index):
        return _tensor(self._core.output(index))

    def set_input(self, index, tensor):
        self._core.set_input(index, tensor._core)

    def set_output_type(self, index, dtype):
        self._core.set_output_type(index, int(dtype))

    def get_output_type(self, index):
        value = self._core.output_type(index)
        return _tensor(self._core.output(index)).dtype if value is None else DataType(value)

    def output_type_is_set(self, index):
        return self._core.output_type(index) is not None

    def reset_output_type(self, index):
        self._core.reset_output_type(index)

    def __eq__(self, other):
        return isinstance(other, ILayer) and self._core is other._core

    def __hash__(self):
        return hash(self._core)

    def __repr__(self):
        return f"<{type(self).__name__} '{self.name}'>"


def _tensor(core):
    return None if core is None else ITensor(core)


def _int(name, kind=int):
    return property(lambda self: kind(self._core.get_int(name)), lambda self, v: self._core.set_int(name, int(v)))


def _float(name):
    return property(lambda self: self._core.get_float(name), lambda self, v: self._core.set_float(name, float(v)))


def _dims(name, kind=Dims):
    return property(lambda self: kind(self._core.get_dims(name)), lambda self, v: self._core.set_dims(name, dims(v)))


def _weights(name):
    return property(lambda self: self._core.get_weights(name), lambda self, v: self._core.set_weights(name, weights_array(v)))


def _padding(kind=Dims):
    def get(self):
        return kind(self._core.get_dims("pre_padding"))

    def put(self, value):
        self._core.set_dims("pre_padding", dims(value))
        self._core.set_dims("post_padding", dims(value))
    return property(get, put)


class _Windowed(ILayer):
    stride = _dims("stride", DimsHW)
    stride_nd = _dims("stride")
    padding = _padding(DimsHW)
    padding_nd = _padding()
    pre_padding = _dims("pre_padding")
    post_padding = _dims("post_padding")
    padding_mode = _int("padding_mode", PaddingMode)


class IConvolutionLayer(_Windowed):
    num_output_maps = _int("num_output_maps")
    kernel_size = _dims("kernel_size", DimsHW)
    kernel_size_nd = _dims("kernel_size")
    num_groups = _int("num_groups")
    dilation = _dims("dilation", DimsHW)
    dilation_nd = _dims("dilation")
    kernel = _weights("kernel")
    bias = _weights("bias")


class IDeconvolutionLayer(IConvolutionLayer):
    pass


class IFullyConnectedLayer(ILayer):
    type = property(lambda self: LayerType.FULLY_CONNECTED)
    num_output_channels = _int("num_output_maps")
    kernel = _weights("kernel")
    bias = _weights("bias")


class IPoolingLayer(_Windowed):
    type = _int("type", PoolingType)
    window_size = _dims("window_size", DimsHW)
    window_size_nd = _dims("window_size")
    average_count_excludes_padding = _int("average_count_excludes_padding", bool)
    blend_factor = _float("blend_factor")


class IActivationLayer(ILayer):
    type = _int("type", ActivationType)
    alpha = _float("alpha")
    beta = _float("beta")


class IElementWiseLayer(ILayer):
    op = _int("op", ElementWiseOperation)


class IUnaryLayer(ILayer):
    op = _int("op", UnaryOperation)


class IScaleLayer(ILayer):
    mode = _int("mode", ScaleMode)
    shift = _weights("shift")
    scale = _weights("scale")
    power = _weights("power")
    channel_axis = _int("channel_axis")


class ISoftMaxLayer(ILayer):
    axes = _int("axes")


class IConcatenationLayer(ILayer):
    axis = _int("axis")


class IMatrixMultiplyLayer(ILayer):
    op0 = _int("op0", MatrixOperation)
    op1 = _int("op1", MatrixOperation)


class IShuffleLayer(ILayer):
    first_transpose = _dims("first_transpose", Permutation)
    reshape_dims = _dims("reshape_dims")
    second_transpose = _dims("second_transpose", Permutation)
    zero_is_placeholder = _int("zero_is_placeholder", bool)


class IConstantLayer(ILayer):
    weights = property(lambda self: self._core.get_weights("weights"), lambda self, v: self._core.set_weights("weights", weights_array(v)))
    shape = _dims("shape")


class IReduceLayer(ILayer):
    op = _int("op", ReduceOperation)
    axes = _int("axes")
    keep_dims = _int("keep_dims", bool)


class ISliceLayer(ILayer):
    start = _dims("start")
    shape = _dims("shape")
    stride = _dims("stride")
    mode = _int("mode", SampleMode)


class IResizeLayer(ILayer):
    shape = _dims("shape")
    resize_mode = _int("resize_mode", InterpolationMode)
    coordinate_transformation = _int("coordinate_transformation", ResizeCoordinateTransformation)
    nearest_rounding = _int("nearest_rounding", ResizeRoundMode)

    @property
    def scales(self):
        return [float(s) for s in self._core.get_weights("scales")]

    @scales.setter
    def scales(self, value):
        self._core.set_weights("scales", np.asarray(value, np.float32))


class ILRNLayer(ILayer):
    window_size = _int("window_size")
    alpha = _float("alpha")
    beta = _float("beta")
    k = _float("k")


class ITopKLayer(ILayer):
    op = _int("op", TopKOperation)
    k = _int("k")
    axes = _int("axes")


class IGatherLayer(ILayer):
    axis = _int("axis")
    mode = _int("mode", GatherMode)
    num_elementwise_dims = _int("num_elementwise_dims")


class IScatterLayer(ILayer):
    axis = _int("axis")
    mode = _int("mode", ScatterMode)


class IOneHotLayer(ILayer):
    axis = _int("axis")


class IEinsumLayer(ILayer):
    equation = property(lambda self: self._core.get_string("equation"), lambda self, v: self._core.set_string("equation", v))


class INormalizationLayer(ILayer):
    axes = _int("axes")
    epsilon = _float("epsilon")
    num_groups = _int("num_groups")
    compute_precision = _int("compute_precision", DataType)


class IGridSampleLayer(ILayer):
    interpolation_mode = _int("interpolation_mode", InterpolationMode)
    align_corners = _int("align_corners", bool)
    sample_mode = _int("sample_mode", SampleMode)


class ISqueezeLayer(ILayer):
    pass


class IUnsqueezeLayer(ILayer):
    pass


class ICumulativeLayer(ILayer):
    op = _int("op", CumulativeOperation)
    exclusive = _int("exclusive", bool)
    reverse = _int("reverse", bool)


class INonZeroLayer(ILayer):
    pass


class INMSLayer(ILayer):
    bounding_box_format = _int("bounding_box_format", BoundingBoxFormat)
    topk_box_limit = _int("topk_box_limit")


class IReverseSequenceLayer(ILayer):
    batch_axis = _int("batch_axis")
    sequence_axis = _int("sequence_axis")


class IFillLayer(ILayer):
    shape = _dims("shape")
    operation = _int("op", FillOperation)
    alpha = _float("alpha")
    beta = _float("beta")
    to_type = _int("to_type", DataType)

    def is_alpha_beta_int64(self):
        return self.to_type == DataType.INT64


class IAssertionLayer(ILayer):
    message = property(lambda self: self._core.get_string("message"), lambda self, v: self._core.set_string("message", v))


class IPaddingLayer(ILayer):
    pre_padding = _dims("pre_padding", DimsHW)
    post_padding = _dims("post_padding", DimsHW)
    pre_padding_nd = _dims("pre_padding")
    post_padding_nd = _dims("post_padding")


class ICastLayer(ILayer):
    to_type = _int("to_type", DataType)


class IQuantizeLayer(ILayer):
    axis = _int("axis")
    to_type = property(lambda self: DataType.INT8)


class IDequantizeLayer(ILayer):
    axis = _int("axis")
    to_type = property(lambda self: DataType.FLOAT)


class IIdentityLayer(ILayer):
    pass


class IParametricReLULayer(ILayer):
    pass


class ISelectLayer(ILayer):
    pass


class IShapeLayer(ILayer):
    pass
