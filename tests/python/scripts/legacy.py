# SPDX-License-Identifier: Apache-2.0
"""The oldest manner: contexts pushed and popped by hand, mem_alloc by shape, execute with bindings, stream handles."""
import sys
import threading

import numpy as np
import pycuda.driver as cuda
import tensorrt as trt

cuda.init()


class TRTInference:
    def __init__(self, path):
        self.cfx = cuda.Device(0).make_context()
        logger = trt.Logger()
        with open(path, "rb") as f:
            builder = trt.Builder(logger)
            network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
            parser = trt.OnnxParser(network, logger)
            assert parser.parse(f.read())
        builder.max_batch_size = 1
        config = builder.create_builder_config()
        config.max_workspace_size = 1 << 28
        config.flags = 1 << int(trt.BuilderFlag.FP16) | 1 << int(trt.BuilderFlag.GPU_FALLBACK)
        config.default_device_type = trt.DeviceType.DLA
        self.engine = builder.build_engine(network, config)
        self.context = self.engine.create_execution_context()
        self.stream = cuda.Stream()
        self.host, self.device, self.bindings = {}, {}, []
        for i in range(self.engine.num_bindings):
            name = self.engine.get_binding_name(i)
            dtype = trt.nptype(self.engine.get_binding_dtype(i))
            self.host[name] = np.zeros(tuple(self.context.get_binding_shape(i)), dtype)
            self.device[name] = cuda.mem_alloc(self.host[name].nbytes)
            self.bindings.append(self.device[name])

    def infer(self, image):
        self.cfx.push()
        try:
            cuda.memcpy_htod_async(self.device["image"], np.ascontiguousarray(image), self.stream)
            self.context.execute_async_v2(bindings=[int(b) for b in self.bindings], stream_handle=self.stream.handle)
            cuda.memcpy_dtoh_async(self.host["probabilities"], self.device["probabilities"], self.stream)
            self.stream.synchronize()
        finally:
            self.cfx.pop()
        return self.host["probabilities"]

    def destroy(self):
        self.cfx.pop()


class Worker(threading.Thread):
    def __init__(self, wrapper, image):
        threading.Thread.__init__(self)
        self.wrapper, self.image, self.result = wrapper, image, None

    def run(self):
        self.result = self.wrapper.infer(self.image)


wrapper = TRTInference(sys.argv[1] if len(sys.argv) > 1 else "model.onnx")
worker = Worker(wrapper, np.tri(28, dtype=np.float32)[None, None])
worker.start()
worker.join()
wrapper.destroy()
print("class", int(np.argmax(worker.result)))
