# SPDX-License-Identifier: Apache-2.0
"""Layers of trt.INetworkDefinition beside what NumPy computes: those that read by index, normalisations, inputs given later."""
import numpy as np
import pytest

import medlar
import medlar.tensorrt as trt
from medlar.compat import pycuda_driver as cuda


class Net:
    """One network, built for the DLA with everything else on the host, run once."""

    def __init__(self):
        self.logger = Errors()
        self.builder = trt.Builder(self.logger)
        self.network = self.builder.create_network()
        self.inputs = {}

    def input(self, name, array):
        self.inputs[name] = np.ascontiguousarray(array)
        kind = {np.dtype(np.float32): trt.float32, np.dtype(np.int32): trt.int32, np.dtype(bool): trt.bool}[self.inputs[name].dtype]
        return self.network.add_input(name, kind, array.shape)

    def constant(self, values, dtype=np.int32):
        array = np.asarray(values, dtype)
        return self.network.add_constant(array.shape, array).get_output(0)

    def build(self, *outputs):
        for i, tensor in enumerate(outputs):
            tensor.name = f"y{i}"
            self.network.mark_output(tensor)
        config = self.builder.create_builder_config()
        config.set_flag(trt.BuilderFlag.FP16)
        config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
        config.default_device_type = trt.DeviceType.DLA
        return self.builder.build_engine(self.network, config)

    def run(self, *outputs):
        engine = self.build(*outputs)
        assert engine is not None, self.logger.lines
        context, results, memory = engine.create_execution_context(), [], []
        for name, array in self.inputs.items():
            memory.append(cuda.to_device(array))
            assert context.set_tensor_address(name, memory[-1])
        for i in range(len(outputs)):
            dtype, room = trt.nptype(engine.get_tensor_dtype(f"y{i}")), 1 << 12
            memory.append(cuda.mem_alloc(room))
            assert context.set_tensor_address(f"y{i}", memory[-1])
            results.append(np.empty(room // np.dtype(dtype).itemsize, dtype))
        assert context.execute_async_v3(0), self.logger.lines
        cuda.Context.synchronize()
        for i, result in enumerate(results):
            cuda.memcpy_dtoh(result, memory[len(self.inputs) + i])
            shape = tuple(context.get_tensor_shape(f"y{i}"))
            results[i] = result[:int(np.prod(shape))].reshape(shape)
        return results[0] if len(results) == 1 else results


class Errors(trt.ILogger):
    def __init__(self):
        trt.ILogger.__init__(self)
        self.lines, self.notices = [], []

    def log(self, severity, msg):
        (self.lines if severity <= trt.ILogger.ERROR else self.notices).append(msg)


@pytest.fixture
def net():
    return Net()


RNG = np.random.default_rng(8)
X = RNG.standard_normal((1, 4, 3, 5)).astype(np.float16).astype(np.float32)  # also exact where the DLA copies them


def normalised(x, axes, epsilon=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


@pytest.mark.parametrize("axes, shape, groups", [((2, 3), (1, 4, 1, 1), 1), ((3,), (1, 1, 1, 5), 1), ((1, 2, 3), (1, 4, 3, 5), 1),
                                                 ((1,), (1, 4, 1, 1), 1), ((2, 3), (1, 4, 1, 1), 2), ((2, 3), (1, 2, 1, 1), 2)])
def test_normalization(net, axes, shape, groups):
    scale, bias = RNG.random(shape, np.float32) + 0.5, RNG.random(shape, np.float32)
    layer = net.network.add_normalization(net.input("x", X), net.constant(scale, np.float32), net.constant(bias, np.float32),
                                          sum(1 << axis for axis in axes))
    layer.num_groups, layer.epsilon = groups, 1e-3
    assert layer.type == trt.LayerType.NORMALIZATION and layer.epsilon == pytest.approx(1e-3) and layer.num_groups == groups
    assert layer.compute_precision == trt.float32
    expected = normalised(X.reshape(1, groups, -1), 2, 1e-3).reshape(X.shape) if groups > 1 else normalised(X, axes, 1e-3)
    spread = [np.repeat(s, 4 // s.shape[1], 1) if groups > 1 else s for s in (scale, bias)]
    got = net.run(layer.get_output(0))  # the arithmetic of the last cases runs on the DLA, in FP16
    assert np.allclose(got, expected * spread[0] + spread[1], rtol=5e-3, atol=5e-3)


def test_a_precision_that_means_nothing_is_said(net):
    ones = net.constant(np.ones((1, 4, 1, 1)), np.float32)
    layer = net.network.add_normalization(net.input("x", X), ones, ones, 0b1100)
    layer.compute_precision = trt.float16
    assert net.build(layer.get_output(0)) is not None
    assert any("compute_precision has no effect" in line for line in net.logger.notices)


def test_einsum(net):
    a, b = RNG.random((2, 3, 4), np.float32), RNG.random((2, 4, 5), np.float32)
    layer = net.network.add_einsum([net.input("a", a), net.input("b", b)], "bij,bjk->bik")
    assert layer.equation == "bij,bjk->bik" and layer.type == trt.LayerType.EINSUM
    assert np.allclose(net.run(layer.get_output(0)), a @ b, atol=1e-5)


def test_gathers(net):
    x, table = net.input("x", X), RNG.integers(0, 3, (1, 4, 2, 5)).astype(np.int32)
    plain = net.network.add_gather_v2(x, net.constant([2, 0]), trt.GatherMode.DEFAULT)
    plain.axis = 1
    element = net.network.add_gather_v2(x, net.constant(table), trt.GatherMode.ELEMENT)
    element.axis = 2
    nd = net.network.add_gather_v2(x, net.constant([[0, 3, 1], [0, 0, 2]]), trt.GatherMode.ND)
    assert nd.mode == trt.GatherMode.ND and nd.num_elementwise_dims == 0 and nd.type == trt.LayerType.GATHER
    got = net.run(plain.get_output(0), element.get_output(0), nd.get_output(0))
    assert np.array_equal(got[0], X[:, [2, 0]]) and np.array_equal(got[1], np.take_along_axis(X, table.astype(np.int64), 2))
    assert np.array_equal(got[2], X[[0, 0], [3, 0], [1, 2]])


def test_scatters(net):
    data, x = np.zeros((3, 4), np.float32), net.input("x", np.array([[5, 6]], np.float32))
    element = net.network.add_scatter(net.constant(data, np.float32), net.constant([[1, 3]]), x, trt.ScatterMode.ELEMENT)
    element.axis = 1
    nd = net.network.add_scatter(net.constant(data, np.float32), net.constant([[[2, 0], [0, 1]]]), x, trt.ScatterMode.ND)
    got = net.run(element.get_output(0), nd.get_output(0))
    assert got[0].tolist() == [[0, 5, 0, 6], [0] * 4, [0] * 4] and got[1].tolist() == [[0, 6, 0, 0], [0] * 4, [5, 0, 0, 0]]
    assert element.type == trt.LayerType.SCATTER and nd.mode == trt.ScatterMode.ND


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.bool_])
def test_one_hot(net, dtype):
    indices = np.array([[1, 3, 0]], np.int32)
    layer = net.network.add_one_hot(net.input("x", indices), net.constant([0, 1], dtype), net.constant(4), -1)
    assert layer.axis == -1
    got = net.run(layer.get_output(0))
    assert got.dtype == dtype and np.array_equal(got, np.eye(4)[indices])


def test_grid_sample(net):
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 3)), -1)[None].astype(np.float32)
    layer = net.network.add_grid_sample(net.input("x", X), net.input("grid", grid))
    assert layer.interpolation_mode == trt.InterpolationMode.LINEAR and layer.sample_mode == trt.SampleMode.FILL and not layer.align_corners
    layer.align_corners, layer.sample_mode = True, trt.SampleMode.CLAMP
    assert np.allclose(net.run(layer.get_output(0)), X, atol=1e-4)  # the grid is the input's own


def test_squeeze_and_unsqueeze(net):
    x = net.input("x", X)
    squeezed = net.network.add_squeeze(x, net.constant([0])).get_output(0)
    grown = net.network.add_unsqueeze(squeezed, net.constant([1, 4])).get_output(0)
    assert squeezed.shape == (4, 3, 5) and grown.shape == (4, 1, 3, 5, 1)[:5]
    assert np.array_equal(net.run(grown), X[0][:, None, :, :, None])


@pytest.mark.parametrize("exclusive, reverse", [(False, False), (True, False), (False, True)])
def test_cumulative(net, exclusive, reverse):
    layer = net.network.add_cumulative(net.input("x", X), net.constant(3), trt.CumulativeOperation.SUM, exclusive, reverse)
    assert layer.exclusive is exclusive and layer.reverse is reverse
    expected = np.cumsum(X[..., ::-1], 3)[..., ::-1] if reverse else np.cumsum(X, 3) - (X if exclusive else 0)
    assert np.allclose(net.run(layer.get_output(0)), expected, atol=1e-5)


def test_non_zero_tells_its_shape_after_the_run(net):
    got = net.run(net.network.add_non_zero(net.input("x", np.array([[0, 2, 0], [3, 0, 4]], np.float32))).get_output(0))
    assert got.dtype == np.int32 and got.tolist() == [[0, 1, 1], [1, 0, 2]]


def test_nms(net):
    boxes = np.array([[[0, 0, 2, 2], [0, 0, 2, 1.9], [5, 5, 6, 6], [8, 8, 9, 9]]], np.float32)
    scores = np.array([[[0.8], [0.9], [0.7], [0.1]]], np.float32)
    layer = net.network.add_nms(net.input("boxes", boxes), net.input("scores", scores), net.constant(10))
    layer.set_input(3, net.constant(0.5, np.float32))
    layer.set_input(4, net.constant(0.2, np.float32))
    assert layer.bounding_box_format == trt.BoundingBoxFormat.CORNER_PAIRS and layer.num_inputs == 5
    selected, count = net.run(layer.get_output(0), layer.get_output(1))
    assert selected.tolist() == [[0, 0, 1], [0, 0, 2]] and count.tolist() == 2


def test_reverse_sequence(net):
    x = RNG.random((4, 2), np.float32)
    layer = net.network.add_reverse_sequence(net.input("x", x), net.constant([3, 4]))
    assert (layer.batch_axis, layer.sequence_axis) == (1, 0)
    got = net.run(layer.get_output(0))
    assert np.array_equal(got[:3, 0], x[:3, 0][::-1]) and np.array_equal(got[:, 1], x[::-1, 1])


def test_fill(net):
    row = net.network.add_fill((4,), trt.FillOperation.LINSPACE, trt.int32)
    row.alpha, row.beta = 3, 2
    plane = net.network.add_fill((2, 3), trt.FillOperation.LINSPACE)
    plane.set_input(1, net.constant(10, np.float32))
    plane.set_input(2, net.constant([5, 1], np.float32))
    y = net.network.add_elementwise(plane.get_output(0), net.input("x", np.zeros((2, 3), np.float32)), trt.ElementWiseOperation.SUM)
    z = net.network.add_elementwise(row.get_output(0), net.input("n", np.zeros(4, np.int32)), trt.ElementWiseOperation.SUM)
    got = net.run(y.get_output(0), z.get_output(0))
    assert got[0].tolist() == [[10, 11, 12], [15, 16, 17]] and got[1].tolist() == [3, 5, 7, 9]
    with pytest.raises(medlar.Unsupported, match="RANDOM_UNIFORM"):
        net.network.add_fill((4,), trt.FillOperation.RANDOM_UNIFORM)


def test_assertions_are_constants(net):
    x = net.input("x", X)
    net.network.add_assertion(net.constant([True], bool), "holds")
    y = net.network.add_activation(x, trt.ActivationType.RELU).get_output(0)
    assert np.allclose(net.run(y), np.maximum(X, 0), atol=1e-2)
    other = Net()
    other.input("x", X)
    other.network.add_assertion(other.constant([False], bool), "never mind")
    assert other.build(other.network.add_identity(other.network.get_input(0)).get_output(0)) is None
    assert "never mind" in other.logger.lines[-1]


def test_inputs_given_later(net):
    x = net.input("x", X)
    shape = net.network.add_shape(x).get_output(0)
    assert shape.dtype == trt.int32
    flat = net.network.add_shuffle(x)
    flat.set_input(1, net.network.add_concatenation([net.network.add_slice(shape, (0,), (1,), (1,)).get_output(0), net.constant([-1])]).get_output(0))
    part = net.network.add_slice(x, (0, 0, 0, 0), (1, 1, 1, 1), (1, 1, 1, 1))
    part.set_input(1, net.constant([0, 1, 0, 0]))
    part.set_input(2, net.constant([1, 2, 3, 5]))
    grown = net.network.add_resize(x)
    grown.resize_mode = trt.InterpolationMode.NEAREST
    grown.set_input(1, net.constant([1, 4, 6, 10]))
    best = net.network.add_topk(x, trt.TopKOperation.MAX, 1, 1 << 1)
    best.set_input(1, net.constant(2))
    got = net.run(flat.get_output(0), part.get_output(0), grown.get_output(0), best.get_output(0), best.get_output(1))
    assert np.array_equal(got[0], X.reshape(1, -1)) and np.array_equal(got[1], X[:, 1:3])
    assert np.array_equal(got[2], X.repeat(2, 2).repeat(2, 3))
    order = np.argsort(-X, 1)[:, :2]
    assert got[4].dtype == np.int32 and np.array_equal(got[4], order) and np.array_equal(got[3], np.take_along_axis(X, order, 1))


@pytest.mark.parametrize("mode, numpy_mode", [(trt.SampleMode.FILL, "constant"), (trt.SampleMode.CLAMP, "edge"), (trt.SampleMode.REFLECT, "reflect")])
def test_slices_beyond_the_input(net, mode, numpy_mode):
    layer = net.network.add_slice(net.input("x", X), (0, 0, -1, -2), (1, 4, 5, 8), (1, 1, 1, 1))
    layer.mode = mode
    assert np.array_equal(net.run(layer.get_output(0)), np.pad(X, ((0, 0), (0, 0), (1, 1), (2, 1)), numpy_mode))


def test_slices_backwards(net):
    layer = net.network.add_slice(net.input("x", X), (0, 3, 0, 4), (1, 4, 3, 3), (1, -1, 1, -2))
    assert np.array_equal(net.run(layer.get_output(0)), X[:, ::-1, :, ::-2])


def test_a_kernel_that_the_network_computes(net):
    kernel = RNG.standard_normal((2, 4, 1, 1)).astype(np.float32)
    conv = net.network.add_convolution_nd(net.input("x", X), 2, (1, 1), trt.Weights(trt.float32))
    conv.set_input(1, net.constant(kernel, np.float32))
    assert np.allclose(net.run(conv.get_output(0)), np.einsum("ncij,oc->noij", X, kernel[:, :, 0, 0]), atol=2e-2)


def test_weights_of_a_constant_can_be_set(net):
    layer = net.network.add_constant((2, 2), np.ones((2, 2), np.float32))
    layer.weights, layer.shape = np.arange(5, dtype=np.float32), (1, 5)
    assert np.array_equal(layer.weights, np.arange(5)) and layer.shape == (1, 5)
    y = net.network.add_elementwise(net.input("x", np.ones((1, 5), np.float32)), layer.get_output(0), trt.ElementWiseOperation.SUM)
    assert net.run(y.get_output(0)).tolist() == [[1, 2, 3, 4, 5]]
    with pytest.raises(medlar.Unsupported, match="INT4"):
        net.network.add_quantize(net.network.get_input(0), layer.get_output(0), trt.int4)


def test_misuse_is_named(net):
    x = net.input("x", X)
    with pytest.raises(TypeError, match="tensor"):
        net.network.add_einsum([x, None], "a,b->ab")
    with pytest.raises(TypeError, match="ndarray"):
        net.network.add_scatter(x, np.zeros(1), x, trt.ScatterMode.ND)
    with pytest.raises(medlar.InvalidArgument, match="axes"):
        net.network.add_normalization(x, x, x, 0)
    with pytest.raises(medlar.OutOfRange, match="not one with index 7"):
        net.network.add_shuffle(x).set_input(7, x)
    with pytest.raises(medlar.Unsupported, match="add_loop"):
        net.network.add_loop()
    assert net.build(net.network.add_einsum([x], "nonsense").get_output(0)) is None and net.logger.lines
