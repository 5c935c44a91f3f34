# SPDX-License-Identifier: Apache-2.0
"""Two models side by side: one on the DLA, one on the GPU, each on a stream of its own."""
import numpy as np
import pycuda.autoinit  # noqa: F401  (makes a context)
import pycuda.driver as cuda
import tensorrt as trt

from digits import enter_workspace, pictures, show

enter_workspace()
logger = trt.Logger(trt.Logger.WARNING)


def build(device_type):
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    parser = trt.OnnxParser(network, logger)
    with open("model.onnx", "rb") as f:
        parser.parse(f.read())
    config = builder.create_builder_config()
    config.default_device_type = device_type
    config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
    config.set_flag(trt.BuilderFlag.FP16)
    return builder.build_engine(network, config)


def allocate(engine):
    """Host array and device memory for each binding."""
    host, device = [], []
    for binding in engine:
        shape, dtype = engine.get_binding_shape(binding), trt.nptype(engine.get_binding_dtype(binding))
        host.append(cuda.pagelocked_empty(tuple(shape), dtype))
        device.append(cuda.mem_alloc(host[-1].nbytes))
    return host, device


engine_dla, engine_gpu = build(trt.DeviceType.DLA), build(trt.DeviceType.GPU)
(host_dla, device_dla), (host_gpu, device_gpu) = allocate(engine_dla), allocate(engine_gpu)
bindings_dla, bindings_gpu = [int(d) for d in device_dla], [int(d) for d in device_gpu]

# Create two execution contexts
context_dla = engine_dla.create_execution_context()
context_gpu = engine_gpu.create_execution_context()

# Create two CUDA streams
stream_dla = cuda.Stream()
stream_gpu = cuda.Stream()

for label, picture in pictures():
    np.copyto(host_dla[0], picture)
    np.copyto(host_gpu[0], picture)
    cuda.memcpy_htod_async(device_dla[0], host_dla[0], stream_dla)
    cuda.memcpy_htod_async(device_gpu[0], host_gpu[0], stream_gpu)

    # Execute in parallel
    context_dla.execute_async_v2(bindings_dla, stream_dla.handle)
    context_gpu.execute_async_v2(bindings_gpu, stream_gpu.handle)

    cuda.memcpy_dtoh_async(host_dla[1], device_dla[1], stream_dla)
    cuda.memcpy_dtoh_async(host_gpu[1], device_gpu[1], stream_gpu)

    # Wait for both
    stream_dla.synchronize()
    stream_gpu.synchronize()

    show(label, host_dla[1])
    if np.argmax(host_dla[1]) != np.argmax(host_gpu[1]):
        raise SystemExit("the two engines disagree")
