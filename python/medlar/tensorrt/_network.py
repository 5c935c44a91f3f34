# SPDX-License-Identifier: Apache-2.0
"""Networks under TensorRT's Python names."""
import os

from ._basic import no_effect, unsupported, weights_array
from ._enums import DataType, NetworkDefinitionCreationFlag
from ._layers import (IActivationLayer, IAssertionLayer, ICastLayer, IConcatenationLayer, IConstantLayer, IConvolutionLayer, ICumulativeLayer,
                      IDeconvolutionLayer, IDequantizeLayer, IEinsumLayer, IElementWiseLayer, IFillLayer, IFullyConnectedLayer, IGatherLayer,
                      IGridSampleLayer, IIdentityLayer, ILayer, ILRNLayer, IMatrixMultiplyLayer, INMSLayer, INonZeroLayer,
                      INormalizationLayer, IOneHotLayer, IPaddingLayer, IParametricReLULayer, IPoolingLayer, IQuantizeLayer, IReduceLayer,
                      IResizeLayer, IReverseSequenceLayer, IScaleLayer, IScatterLayer, ISelectLayer, IShapeLayer, IShuffleLayer, ISliceLayer,
                      ISoftMaxLayer, ISqueezeLayer, ITensor, ITopKLayer, IUnaryLayer, IUnsqueezeLayer, dims)
from ._recorder import Recording

#: TensorRT 10 says shapes as int64, TensorRT 8 as int32.
VERSION = os.environ.get("MEDLAR_TENSORRT_VERSION", "8.6.1")


def _core_of(tensor):
    """The core's tensor; a TypeError that says what was given for anything else."""
    if not isinstance(tensor, ITensor):
        raise TypeError(f"a tensor of the network is wanted, not {type(tensor).__name__}")
    return tensor._core


class INetworkDefinition(Recording):
    """Layers are read in order; `network[i]`, `len(network)` and iteration work."""

    def __init__(self, core, logger, flags, builder):
        self._core, self._logger, self._flags, self._builder = core, logger, flags, builder

    name = property(lambda self: self._core.name, lambda self, v: setattr(self._core, "name", v))
    num_layers = property(lambda self: self._core.num_layers)
    num_inputs = property(lambda self: self._core.num_inputs)
    num_outputs = property(lambda self: self._core.num_outputs)
    has_implicit_batch_dimension = property(lambda self: False)
    has_explicit_precision = property(lambda self: False)
    flags = property(lambda self: self._flags)
    builder = property(lambda self: self._builder)

    def get_flag(self, flag):
        return flag == NetworkDefinitionCreationFlag.EXPLICIT_BATCH or bool(self._flags >> int(flag) & 1)

    def add_input(self, name, dtype, shape):
        return ITensor(self._core.add_input(name, int(dtype), dims(shape)))

    def mark_output(self, tensor):
        self._core.mark_output(_core_of(tensor))

    def unmark_output(self, tensor):
        self._core.unmark_output(_core_of(tensor))

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
        return IConvolutionLayer(self._core.add_convolution(_core_of(input), num_output_maps, dims(kernel_shape), weights_array(kernel),
                                                            weights_array(bias)))

    add_convolution = add_convolution_nd

    def add_deconvolution_nd(self, input, num_output_maps, kernel_shape, kernel, bias=None):
        return IDeconvolutionLayer(self._core.add_deconvolution(_core_of(input), num_output_maps, dims(kernel_shape), weights_array(kernel),
                                                                weights_array(bias)))

    add_deconvolution = add_deconvolution_nd

    def add_fully_connected(self, input, num_outputs, kernel, bias=None):
        return IFullyConnectedLayer(self._core.add_fully_connected(_core_of(input), num_outputs, weights_array(kernel), weights_array(bias)))

    def add_pooling_nd(self, input, type, window_size):
        return IPoolingLayer(self._core.add_pooling(_core_of(input), int(type), dims(window_size)))

    add_pooling = add_pooling_nd

    def add_activation(self, input, type):
        return IActivationLayer(self._core.add_activation(_core_of(input), int(type)))

    def add_elementwise(self, input1, input2, op):
        return IElementWiseLayer(self._core.add_elementwise(_core_of(input1), _core_of(input2), int(op)))

    def add_scale(self, input, mode, shift=None, scale=None, power=None):
        return self.add_scale_nd(input, mode, shift, scale, power, 1)

    def add_scale_nd(self, input, mode, shift=None, scale=None, power=None, channel_axis=1):
        return IScaleLayer(self._core.add_scale(_core_of(input), int(mode), weights_array(shift), weights_array(scale), weights_array(power),
                                                channel_axis))

    def add_softmax(self, input):
        return ISoftMaxLayer(self._core.add_softmax(_core_of(input), 1 << max(0, len(input.shape) - 3)))

    def add_concatenation(self, inputs):
        """Along axis 1 of NCHW: the third from the end, or the first of less than three."""
        tensors = [_core_of(tensor) for tensor in inputs]
        axis = max(0, len(tensors[0].shape) - 3) if tensors else 0
        layer = IConcatenationLayer(self._core.add_concatenation(tensors))
        layer.axis = axis
        return layer

    def add_matrix_multiply(self, input0, op0, input1, op1):
        return IMatrixMultiplyLayer(self._core.add_matrix_multiply(_core_of(input0), _matrix_operation(op0), _core_of(input1), _matrix_operation(op1)))

    def add_shuffle(self, input):
        return IShuffleLayer(self._core.add_shuffle(_core_of(input)))

    def add_constant(self, shape, weights):
        return IConstantLayer(self._core.add_constant(dims(shape), weights_array(weights)))

    def add_unary(self, input, op):
        return IUnaryLayer(self._core.add_unary(_core_of(input), int(op)))

    def add_reduce(self, input, op, axes, keep_dims):
        return IReduceLayer(self._core.add_reduce(_core_of(input), int(op), int(axes), bool(keep_dims)))

    def add_slice(self, input, start, shape, stride):
        return ISliceLayer(self._core.add_slice(_core_of(input), dims(start), dims(shape), dims(stride)))

    def add_resize(self, input):
        return IResizeLayer(self._core.add_resize(_core_of(input)))

    def add_lrn(self, input, window, alpha, beta, k):
        return ILRNLayer(self._core.add_lrn(_core_of(input), window, alpha, beta, k))

    def add_topk(self, input, op, k, axes):
        return ITopKLayer(self._core.add_topk(_core_of(input), int(op), k, int(axes)))

    def add_gather(self, input, indices, axis):
        return IGatherLayer(self._core.add_gather(_core_of(input), _core_of(indices), axis))

    def add_padding_nd(self, input, pre_padding, post_padding):
        return IPaddingLayer(self._core.add_padding(_core_of(input), dims(pre_padding), dims(post_padding)))

    add_padding = add_padding_nd

    def add_parametric_relu(self, input, slopes):
        return IParametricReLULayer(self._core.add_parametric_relu(_core_of(input), _core_of(slopes)))

    def add_identity(self, input):
        return IIdentityLayer(self._core.add_identity(_core_of(input)))

    def add_cast(self, input, to_type):
        return ICastLayer(self._core.add_cast(_core_of(input), int(to_type)))

    def add_select(self, condition, then_input, else_input):
        return ISelectLayer(self._core.add_select(_core_of(condition), _core_of(then_input), _core_of(else_input)))

    def add_shape(self, input):
        """The dimensions: int32 as in TensorRT 8, int64 where MEDLAR_TENSORRT_VERSION says 10."""
        major = int(VERSION.split(".")[0])
        return IShapeLayer(self._core.add_shape(_core_of(input), int(DataType.INT64 if major >= 10 else DataType.INT32)))

    def add_quantize(self, input, scale, output_type=DataType.INT8):
        if output_type != DataType.INT8:
            raise unsupported(f"add_quantize to {DataType(output_type).name}", "the DLA quantises to INT8")
        return IQuantizeLayer(self._core.add_quantize(_core_of(input), _core_of(scale)))

    def add_dequantize(self, input, scale, output_type=DataType.FLOAT):
        if output_type != DataType.FLOAT:
            raise unsupported(f"add_dequantize to {DataType(output_type).name}", "FLOAT, and a cast behind it")
        return IDequantizeLayer(self._core.add_dequantize(_core_of(input), _core_of(scale)))

    def add_gather_v2(self, input, indices, mode):
        return IGatherLayer(self._core.add_gather_v2(_core_of(input), _core_of(indices), int(mode)))

    def add_normalization(self, input, scale, bias, axesMask):
        return INormalizationLayer(self._core.add_normalization(_core_of(input), _core_of(scale), _core_of(bias), int(axesMask)))

    def add_einsum(self, inputs, equation):
        return IEinsumLayer(self._core.add_einsum([_core_of(tensor) for tensor in inputs], equation))

    def add_one_hot(self, indices, values, depth, axis):
        return IOneHotLayer(self._core.add_one_hot(_core_of(indices), _core_of(values), _core_of(depth), axis))

    def add_scatter(self, data, indices, updates, mode):
        return IScatterLayer(self._core.add_scatter(_core_of(data), _core_of(indices), _core_of(updates), int(mode)))

    def add_grid_sample(self, input, grid):
        return IGridSampleLayer(self._core.add_grid_sample(_core_of(input), _core_of(grid)))

    def add_squeeze(self, input, axes):
        return ISqueezeLayer(self._core.add_squeeze(_core_of(input), _core_of(axes)))

    def add_unsqueeze(self, input, axes):
        return IUnsqueezeLayer(self._core.add_unsqueeze(_core_of(input), _core_of(axes)))

    def add_cumulative(self, input, axis, op, exclusive, reverse):
        return ICumulativeLayer(self._core.add_cumulative(_core_of(input), _core_of(axis), int(op), bool(exclusive), bool(reverse)))

    def add_non_zero(self, input):
        return INonZeroLayer(self._core.add_non_zero(_core_of(input)))

    def add_nms(self, boxes, scores, max_output_boxes_per_class):
        return INMSLayer(self._core.add_nms(_core_of(boxes), _core_of(scores), _core_of(max_output_boxes_per_class)))

    def add_reverse_sequence(self, input, sequence_lens):
        return IReverseSequenceLayer(self._core.add_reverse_sequence(_core_of(input), _core_of(sequence_lens)))

    def add_fill(self, shape, op, output_type=DataType.FLOAT):
        return IFillLayer(self._core.add_fill(dims(shape), int(op), int(output_type)))

    def add_assertion(self, condition, message):
        return IAssertionLayer(self._core.add_assertion(_core_of(condition), message))

    def set_weights_name(self, weights, name):
        no_effect(self._logger, f"INetworkDefinition.set_weights_name('{name}')", "names of weights serve refitting, which there is not")
        return True

    def are_weights_marked_refittable(self, name):
        return False

    def is_debug_tensor(self, tensor):
        _core_of(tensor)
        return False

    def __getattr__(self, name):
        if name.startswith("add_") or name in ("mark_output_for_shapes", "remove_tensor", "mark_debug",
                                            "mark_weights_refittable"):
            raise unsupported(f"INetworkDefinition.{name}")
        raise AttributeError(f"'INetworkDefinition' object has no attribute '{name}'")


def _matrix_operation(op):
    return int(op)  # a bool in old scripts: transposed or not
