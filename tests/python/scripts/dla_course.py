# SPDX-License-Identifier: Apache-2.0
"""In the manner of NVIDIA's DLA course: calibrate with a calibrator of the common base class, build for a DLA core, read the engine
back, and measure what it gets right, with bindings by index and a stream's number."""
import argparse
import pathlib

import numpy as np
import pycuda.autoinit  # noqa: F401
import pycuda.driver as cuda
import tensorrt as trt

options = argparse.ArgumentParser()
options.add_argument("onnx")
options.add_argument("images", type=pathlib.Path)
options.add_argument("--output", default="course.engine")
options.add_argument("--int8", action="store_true")
options.add_argument("--fp16", action="store_true")
options.add_argument("--dla_core", type=int)
options.add_argument("--gpu_fallback", action="store_true")
options.add_argument("--max_workspace_size", type=int, default=1 << 25)
args = options.parse_args()



def pictures(folder):
    from PIL import Image
    for path in sorted(folder.iterdir()):
        if path.suffix in (".pgm", ".png"):
            array = np.asarray(Image.open(path).convert("L"), np.float32) / 255
            yield array[None, None], int(path.name.split("_")[0])


class Samples(trt.IInt8Calibrator):
    def __init__(self, samples, algorithm=trt.CalibrationAlgoType.ENTROPY_CALIBRATION_2):
        super().__init__()
        self.samples, self.algorithm, self.at = list(samples), algorithm, 0
        self.memory = cuda.mem_alloc(self.samples[0].nbytes)

    def get_batch(self, *names, **more):
        if self.at == len(self.samples):
            return []
        cuda.memcpy_htod(self.memory, np.ascontiguousarray(self.samples[self.at]))
        self.at += 1
        return [int(self.memory)]

    def get_algorithm(self):
        return self.algorithm

    def get_batch_size(self):
        return 1

    def read_calibration_cache(self, *more, **others):
        return None

    def write_calibration_cache(self, cache, *more, **others):
        print("cache of", len(bytes(cache)), "bytes")


labelled = list(pictures(args.images))
logger = trt.Logger(trt.Logger.INFO)
builder = trt.Builder(logger)
builder.max_batch_size = 1
network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
parser = trt.OnnxParser(network, logger)
with open(args.onnx, "rb") as file:
    parser.parse(file.read())
shape = tuple(network.get_input(0).shape)
profile = builder.create_optimization_profile()
profile.set_shape(network.get_input(0).name, shape, shape, shape)
config = builder.create_builder_config()
config.max_workspace_size = args.max_workspace_size
if args.fp16:
    config.set_flag(trt.BuilderFlag.FP16)
if args.int8:
    config.set_flag(trt.BuilderFlag.INT8)
    config.int8_calibrator = Samples(picture for picture, _ in labelled)
if args.dla_core is not None:
    config.default_device_type = trt.DeviceType.DLA
    config.DLA_core = args.dla_core
if args.gpu_fallback:
    config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
config.add_optimization_profile(profile)
config.set_calibration_profile(profile)
plan = builder.build_serialized_network(network, config)
with open(args.output, "wb") as file:
    file.write(plan)

with open(args.output, "rb") as file:
    engine = trt.Runtime(trt.Logger()).deserialize_cuda_engine(file.read())
context = engine.create_execution_context()
source, target = engine.get_binding_index(network.get_input(0).name), engine.get_binding_index(network.get_output(0).name)
context.set_binding_shape(source, shape)
scores = np.empty(tuple(context.get_binding_shape(target)), np.float32)
bindings = [None, None]
inputs, outputs = cuda.mem_alloc(labelled[0][0].nbytes), cuda.mem_alloc(scores.nbytes)
bindings[source], bindings[target] = int(inputs), int(outputs)
stream = cuda.Stream()
right = 0
for picture, label in labelled:
    cuda.memcpy_htod_async(inputs, np.ascontiguousarray(picture), stream)
    context.execute_async_v2(bindings, stream.handle)
    cuda.memcpy_dtoh_async(scores, outputs, stream)
    stream.synchronize()
    right += int(scores.argmax() == label)
print(f"TEST ACCURACY: {right / len(labelled)}")
