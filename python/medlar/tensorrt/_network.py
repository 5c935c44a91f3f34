# SPDX-License-Identifier: Apache-2.0
"""Networks, tensors and layers under TensorRT's Python names."""
import numpy as np

from .. import _core
from ._basic import Dims, DimsHW, Permutation, Strict, Weights, unsupported, weights_array
from ._enums import (ActivationType, DataType, ElementWiseOperation, InterpolationMode, LayerType, MatrixOperation,
                     NetworkDefinitionCreationFlag, PaddingMode, PoolingType, ReduceOperation, ResizeCoordinateTransformation,
                     ResizeRoundMode, SampleMode, ScaleMode, TensorLocation, TopKOperation, UnaryOperation)


def dims(value):
    """Anything that a Dims argument takes, as a list."""
    if isinstance(value, (int, np.integer)):
        raise TypeError(f"dimensions are wanted, not {value}")
    return [int(d) for d in value]


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

    def get_dimension_name(self, index):
        return ""

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
    weights = property(lambda self: Weights(self._core.get_weights("weights")))
    shape = property(lambda self: Dims(self._core.get_dims("shape")))


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


class IPaddingLayer(ILayer):
    pre_padding = _dims("pre_padding", DimsHW)
    post_padding = _dims("post_padding", DimsHW)
    pre_padding_nd = _dims("pre_padding")
    post_padding_nd = _dims("post_padding")


class ICastLayer(ILayer):
    to_type = _int("to_type", DataType)


class IQuantizeLayer(ILayer):
    axis = _int("axis")


class IDequantizeLayer(ILayer):
    axis = _int("axis")


class IIdentityLayer(ILayer):
    pass


class IParametricReLULayer(ILayer):
    pass


class ISelectLayer(ILayer):
    pass


class IShapeLayer(ILayer):
    pass


class INetworkDefinition(Strict):
    """Layers are read in order; `network[i]`, `len(network)` and iteration work."""

    def __init__(self, core, logger, flags):
        self._core, self._logger, self._flags = core, logger, flags

    name = property(lambda self: self._core.name, lambda self, v: setattr(self._core, "name", v))
    num_layers = property(lambda self: self._core.num_layers)
    num_inputs = property(lambda self: self._core.num_inputs)
    num_outputs = property(lambda self: self._core.num_outputs)
    has_implicit_batch_dimension = property(lambda self: False)
    has_explicit_precision = property(lambda self: False)
    flags = property(lambda self: self._flags)

    def get_flag(self, flag):
        return flag == NetworkDefinitionCreationFlag.EXPLICIT_BATCH or bool(self._flags >> int(flag) & 1)

    def add_input(self, name, dtype, shape):
        return ITensor(self._core.add_input(name, int(dtype), dims(shape)))

    def mark_output(self, tensor):
        self._core.mark_output(tensor._core)

    def unmark_output(self, tensor):
        self._core.unmark_output(tensor._core)

    def get_input(self, index):
        return ITensor(self._core.input(index)) if 0 <= index < self.num_inputs else None

    def get_output(self, index):
        return ITensor(self._core.output(index)) if 0 <= index < self.num_outputs else None

    def get_layer(self, index):
        return ILayer(self._core.layer(index)) if 0 <= index < self.num_layers else None

    def __len__(self):
        return self.num_layers

    def __getitem__(self, index):
        if not -self.num_layers <= index < self.num_layers:
            raise IndexError(f"the network has {self.num_layers} layers, not one with index {index}")
        return ILayer(self._core.layer(index % self.num_layers))

    def __iter__(self):
        return (ILayer(self._core.layer(i)) for i in range(self.num_layers))

    # Layers

    def add_convolution_nd(self, input, num_output_maps, kernel_shape, kernel, bias=None):
        return IConvolutionLayer(self._core.add_convolution(input._core, num_output_maps, dims(kernel_shape), weights_array(kernel),
                                                            weights_array(bias)))

    add_convolution = add_convolution_nd

    def add_deconvolution_nd(self, input, num_output_maps, kernel_shape, kernel, bias=None):
        return IDeconvolutionLayer(self._core.add_deconvolution(input._core, num_output_maps, dims(kernel_shape), weights_array(kernel),
                                                                weights_array(bias)))

    add_deconvolution = add_deconvolution_nd

    def add_fully_connected(self, input, num_outputs, kernel, bias=None):
        return IFullyConnectedLayer(self._core.add_fully_connected(input._core, num_outputs, weights_array(kernel), weights_array(bias)))

    def add_pooling_nd(self, input, type, window_size):
        return IPoolingLayer(self._core.add_pooling(input._core, int(type), dims(window_size)))

    add_pooling = add_pooling_nd

    def add_activation(self, input, type):
        return IActivationLayer(self._core.add_activation(input._core, int(type)))

    def add_elementwise(self, input1, input2, op):
        return IElementWiseLayer(self._core.add_elementwise(input1._core, input2._core, int(op)))

    def add_scale(self, input, mode, shift=None, scale=None, power=None):
        return self.add_scale_nd(input, mode, shift, scale, power, 1)

    def add_scale_nd(self, input, mode, shift=None, scale=None, power=None, channel_axis=1):
        return IScaleLayer(self._core.add_scale(input._core, int(mode), weights_array(shift), weights_array(scale), weights_array(power),
                                                channel_axis))

    def add_softmax(self, input):
        return ISoftMaxLayer(self._core.add_softmax(input._core, 1 << max(0, len(input.shape) - 3)))

    def add_concatenation(self, inputs):
        return IConcatenationLayer(self._core.add_concatenation([tensor._core for tensor in inputs]))

    def add_matrix_multiply(self, input0, op0, input1, op1):
        return IMatrixMultiplyLayer(self._core.add_matrix_multiply(input0._core, _matrix_operation(op0), input1._core, _matrix_operation(op1)))

    def add_shuffle(self, input):
        return IShuffleLayer(self._core.add_shuffle(input._core))

    def add_constant(self, shape, weights):
        return IConstantLayer(self._core.add_constant(dims(shape), weights_array(weights)))

    def add_unary(self, input, op):
        return IUnaryLayer(self._core.add_unary(input._core, int(op)))

    def add_reduce(self, input, op, axes, keep_dims):
        return IReduceLayer(self._core.add_reduce(input._core, int(op), int(axes), bool(keep_dims)))

    def add_slice(self, input, start, shape, stride):
        return ISliceLayer(self._core.add_slice(input._core, dims(start), dims(shape), dims(stride)))

    def add_resize(self, input):
        return IResizeLayer(self._core.add_resize(input._core))

    def add_lrn(self, input, window, alpha, beta, k):
        return ILRNLayer(self._core.add_lrn(input._core, window, alpha, beta, k))

    def add_topk(self, input, op, k, axes):
        return ITopKLayer(self._core.add_topk(input._core, int(op), k, int(axes)))

    def add_gather(self, input, indices, axis):
        return IGatherLayer(self._core.add_gather(input._core, indices._core, axis))

    def add_padding_nd(self, input, pre_padding, post_padding):
        return IPaddingLayer(self._core.add_padding(input._core, dims(pre_padding), dims(post_padding)))

    add_padding = add_padding_nd

    def add_parametric_relu(self, input, slopes):
        return IParametricReLULayer(self._core.add_parametric_relu(input._core, slopes._core))

    def add_identity(self, input):
        return IIdentityLayer(self._core.add_identity(input._core))

    def add_cast(self, input, to_type):
        return ICastLayer(self._core.add_cast(input._core, int(to_type)))

    def add_select(self, condition, then_input, else_input):
        return ISelectLayer(self._core.add_select(condition._core, then_input._core, else_input._core))

    def add_shape(self, input):
        return IShapeLayer(self._core.add_shape(input._core))

    def add_quantize(self, input, scale, output_type=DataType.INT8):
        return IQuantizeLayer(self._core.add_quantize(input._core, scale._core))

    def add_dequantize(self, input, scale, output_type=DataType.FLOAT):
        return IDequantizeLayer(self._core.add_dequantize(input._core, scale._core))

    def __getattr__(self, name):
        if name.startswith("add_") or name in ("mark_output_for_shapes", "remove_tensor", "set_weights_name", "mark_debug"):
            raise unsupported(f"INetworkDefinition.{name}")
        raise AttributeError(f"'INetworkDefinition' object has no attribute '{name}'")


def _matrix_operation(op):
    return int(op)  # a bool in old scripts: transposed or not
