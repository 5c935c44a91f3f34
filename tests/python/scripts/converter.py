# SPDX-License-Identifier: Apache-2.0
"""In the manner of converters: one layer for every operator of a small attention block, shapes computed by the network, outputs by
name, streams and memory by cuda-python."""
import numpy as np
import tensorrt as trt
from cuda.bindings import runtime as cudart

logger = trt.Logger(trt.Logger.WARNING)
rng = np.random.default_rng(0)


class Converter:
    def __init__(self):
        self.builder = trt.Builder(logger)
        self.network = self.builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))

    def const(self, array):
        array = np.ascontiguousarray(array)
        return self.network.add_constant(trt.Dims(array.shape), trt.Weights(array)).get_output(0)

    def silu(self, x):
        gate = self.network.add_activation(x, trt.ActivationType.SIGMOID).get_output(0)
        return self.network.add_elementwise(x, gate, trt.ElementWiseOperation.PROD).get_output(0)

    def layer_norm(self, x, axes):
        shape = [d if axes >> i & 1 else 1 for i, d in enumerate(x.shape)]
        norm = self.network.add_normalization(x, self.const(np.ones(shape, np.float32)), self.const(np.zeros(shape, np.float32)), axes)
        norm.epsilon = 1e-5
        return norm.get_output(0)

    def flatten_pixels(self, x):
        shape = self.network.add_shape(x).get_output(0)
        n, c, h, w = (self.network.add_slice(shape, [i], [1], [1]).get_output(0) for i in range(4))
        pixels = self.network.add_elementwise(h, w, trt.ElementWiseOperation.PROD).get_output(0)
        dims = self.network.add_concatenation([n, c, pixels])
        dims.axis = 0
        view = self.network.add_shuffle(x)
        view.set_input(1, dims.get_output(0))
        view.second_transpose = trt.Permutation([0, 2, 1])
        return view.get_output(0)

    def attention(self, x):
        scores = self.network.add_einsum([x, x], "bic,bjc->bij").get_output(0)
        scaled = self.network.add_elementwise(scores, self.const(np.full((1, 1, 1), 0.125, np.float32)), trt.ElementWiseOperation.PROD)
        weights = self.network.add_softmax(scaled.get_output(0))
        weights.axes = 1 << 2
        return self.network.add_matrix_multiply(weights.get_output(0), trt.MatrixOperation.NONE, x, trt.MatrixOperation.NONE).get_output(0)


converter = Converter()
network = converter.network
x = network.add_input("input_0", trt.float32, (1, 8, 16, 16))
conv = network.add_convolution_nd(x, 8, (3, 3), rng.standard_normal((8, 8, 3, 3)).astype(np.float32) * 0.1, np.zeros(8, np.float32))
conv.padding_nd = (1, 1)
tokens = converter.flatten_pixels(converter.layer_norm(converter.silu(conv.get_output(0)), 0b1100))
mean = network.add_reduce(converter.attention(tokens), trt.ReduceOperation.AVG, 1 << 1, False).get_output(0)
mean.name = "output_0"
network.mark_output(mean)
best = network.add_topk(mean, trt.TopKOperation.MAX, 3, 1 << 1)
best.get_output(1).name = "indices"
network.mark_output(best.get_output(1))

config = converter.builder.create_builder_config()
config.set_flag(trt.BuilderFlag.FP16)
config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
config.default_device_type = trt.DeviceType.DLA
plan = converter.builder.build_serialized_network(network, config)
engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
context = engine.create_execution_context_without_device_memory()
workspace = cudart.cudaMalloc(engine.device_memory_size)[1]
context.device_memory = workspace
stream = cudart.cudaStreamCreate()[1]
arrays, addresses = {}, {}
for name in (engine.get_tensor_name(i) for i in range(engine.num_io_tensors)):
    arrays[name] = np.empty(engine.get_tensor_shape(name), trt.nptype(engine.get_tensor_dtype(name)))
    addresses[name] = cudart.cudaMalloc(arrays[name].nbytes)[1]
    context.set_tensor_address(name, addresses[name])
arrays["input_0"][...] = rng.standard_normal((1, 8, 16, 16))
kind = cudart.cudaMemcpyKind
cudart.cudaMemcpyAsync(addresses["input_0"], arrays["input_0"].ctypes.data, arrays["input_0"].nbytes, kind.cudaMemcpyHostToDevice, stream)
assert context.execute_async_v3(stream)
for name in ("output_0", "indices"):
    cudart.cudaMemcpyAsync(arrays[name].ctypes.data, addresses[name], arrays[name].nbytes, kind.cudaMemcpyDeviceToHost, stream)
cudart.cudaStreamSynchronize(stream)
assert np.array_equal(np.argsort(-arrays["output_0"], 1)[:, :3], arrays["indices"])
print("best", *arrays["indices"][0], arrays["indices"].dtype)
