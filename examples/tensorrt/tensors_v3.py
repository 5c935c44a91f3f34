# SPDX-License-Identifier: Apache-2.0
"""The calls of TensorRT 10 with CUDA Python: named tensors, execute_async_v3, error tuples, pinned memory, events."""
import ctypes

import numpy as np
import tensorrt as trt
from cuda import cudart

from digits import enter_workspace, pictures, show

enter_workspace()


def checked(answer):
    error, *values = answer
    if error != cudart.cudaError_t.cudaSuccess:
        raise RuntimeError(f"CUDA: {error!r}")
    return values[0] if len(values) == 1 else values


class HostDevicePair:
    """Pinned host memory as an array, and as much device memory."""

    def __init__(self, shape, dtype):
        self.nbytes = trt.volume(shape) * np.dtype(dtype).itemsize
        self.pinned = checked(cudart.cudaMallocHost(self.nbytes))
        kind = ctypes.POINTER(np.ctypeslib.as_ctypes_type(dtype))
        self.host = np.ctypeslib.as_array(ctypes.cast(self.pinned, kind), tuple(shape))
        self.device = checked(cudart.cudaMalloc(self.nbytes))

    def free(self):
        checked(cudart.cudaFree(self.device))
        checked(cudart.cudaFreeHost(self.pinned))


logger = trt.Logger(trt.Logger.WARNING)
builder = trt.Builder(logger)
network = builder.create_network(0)
parser = trt.OnnxParser(network, logger)
if not parser.parse_from_file("model.onnx"):
    raise SystemExit(parser.get_error(0))
config = builder.create_builder_config()
config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1 << 28)
config.set_memory_pool_limit(trt.MemoryPoolType.DLA_LOCAL_DRAM, 1 << 30)
config.default_device_type = trt.DeviceType.DLA
config.DLA_core = 0
config.set_flag(trt.BuilderFlag.FP16)
config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
plan = builder.build_serialized_network(network, config)
engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
context = engine.create_execution_context()

stream = checked(cudart.cudaStreamCreate())
start, stop = checked(cudart.cudaEventCreate()), checked(cudart.cudaEventCreate())
pairs = {}
for i in range(engine.num_io_tensors):
    name = engine.get_tensor_name(i)
    pairs[name] = HostDevicePair(engine.get_tensor_shape(name), trt.nptype(engine.get_tensor_dtype(name)))
    context.set_tensor_address(name, pairs[name].device)
inputs = [n for n in pairs if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT]
outputs = [n for n in pairs if engine.get_tensor_mode(n) == trt.TensorIOMode.OUTPUT]

H2D, D2H = cudart.cudaMemcpyKind.cudaMemcpyHostToDevice, cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
for label, picture in pictures():
    np.copyto(pairs[inputs[0]].host, picture)
    checked(cudart.cudaEventRecord(start, stream))
    for name in inputs:
        checked(cudart.cudaMemcpyAsync(pairs[name].device, pairs[name].host, pairs[name].nbytes, H2D, stream))
    context.execute_async_v3(stream_handle=stream)
    for name in outputs:
        checked(cudart.cudaMemcpyAsync(pairs[name].host, pairs[name].device, pairs[name].nbytes, D2H, stream))
    checked(cudart.cudaEventRecord(stop, stream))
    checked(cudart.cudaStreamSynchronize(stream))
    show(label, pairs[outputs[0]].host)
print(f"modelled: {checked(cudart.cudaEventElapsedTime(start, stop)):.4f} ms for the last one")

for pair in pairs.values():
    pair.free()
checked(cudart.cudaStreamDestroy(stream))
