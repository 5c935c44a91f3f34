# SPDX-License-Identifier: Apache-2.0
"""Builds once, keeps the engine, and deploys it: serialise, deserialise, infer."""
import numpy as np
import pycuda.autoinit  # noqa: F401  (makes a context)
import pycuda.driver as cuda
import tensorrt as trt

from digits import enter_workspace, pictures, show

enter_workspace()
logger = trt.Logger(trt.Logger.WARNING)
builder = trt.Builder(logger)
network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
parser = trt.OnnxParser(network, logger)
with open("model.onnx", "rb") as f:
    parser.parse(f.read())
config = builder.create_builder_config()
config.default_device_type = trt.DeviceType.DLA
config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
config.set_flag(trt.BuilderFlag.FP16)

# Build once (slow — compile time)
engine = builder.build_engine(network, config)

# Serialize
with open("model_dla_fp16.engine", "wb") as f:
    f.write(engine.serialize())

# Deploy: deserialize (fast — load time)
runtime = trt.Runtime(logger)
with open("model_dla_fp16.engine", "rb") as f:
    engine = runtime.deserialize_cuda_engine(f.read())

context = engine.create_execution_context()
label, picture = next(pictures())
scores = np.empty(tuple(engine.get_binding_shape(1)), np.float32)
d_input, d_output = cuda.mem_alloc(picture.nbytes), cuda.mem_alloc(scores.nbytes)
cuda.memcpy_htod(d_input, picture)
context.execute_v2([int(d_input), int(d_output)])
cuda.memcpy_dtoh(scores, d_output)
show(label, scores)
