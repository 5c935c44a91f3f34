# SPDX-License-Identifier: Apache-2.0
"""INT8 for the DLA with a calibrator of its own: pictures go to device memory, scales into calibration.cache."""
import os

import numpy as np
import pycuda.autoinit  # noqa: F401  (makes a context)
import pycuda.driver as cuda
import tensorrt as trt

from digits import enter_workspace, pictures

enter_workspace()


class MyCalibrator(trt.IInt8EntropyCalibrator2):
    def __init__(self, batch_size=8, cache_file="calibration.cache"):
        trt.IInt8EntropyCalibrator2.__init__(self)
        self.cache_file = cache_file
        self.batch_size = batch_size
        self.data = np.concatenate([image for _, image in pictures("calibration")])
        self.current = 0
        self.device_input = cuda.mem_alloc(self.data[0].nbytes * batch_size)

    def get_batch_size(self):
        return self.batch_size

    def get_batch(self, names):
        if self.current + self.batch_size > len(self.data):
            return None
        batch = self.data[self.current:self.current + self.batch_size].ravel()
        cuda.memcpy_htod(self.device_input, batch)
        self.current += self.batch_size
        return [self.device_input]

    def read_calibration_cache(self):
        if os.path.exists(self.cache_file):
            with open(self.cache_file, "rb") as f:
                return f.read()

    def write_calibration_cache(self, cache):
        with open(self.cache_file, "wb") as f:
            f.write(cache)


logger = trt.Logger(trt.Logger.INFO)
builder = trt.Builder(logger)
network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
parser = trt.OnnxParser(network, logger)
with open("model.onnx", "rb") as f:
    parser.parse(f.read())

config = builder.create_builder_config()
config.max_workspace_size = 1 << 30
config.default_device_type = trt.DeviceType.DLA
config.DLA_core = 0
config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
config.set_flag(trt.BuilderFlag.INT8)
config.int8_calibrator = MyCalibrator()

engine = builder.build_engine(network, config)
with open("model_dla_int8.engine", "wb") as f:
    f.write(engine.serialize())
print(f"model_dla_int8.engine and {os.path.getsize('calibration.cache')} bytes of calibration.cache")
