# SPDX-License-Identifier: Apache-2.0
"""An engine builder in the manner of TensorRT's detection samples: logging, an EngineCalibrator over an image batcher, a
timing cache, layer precisions, then an inference with common_runtime."""
import argparse
import logging
import os
import sys

import numpy as np
import tensorrt as trt

sys.path.insert(1, os.path.dirname(os.path.abspath(__file__)))
import common_runtime as common  # noqa: E402
from common_runtime import cudart, cuda_call  # noqa: E402

logging.basicConfig(level=logging.INFO)
logging.getLogger("EngineBuilder").setLevel(logging.INFO)
log = logging.getLogger("EngineBuilder")


class ImageBatcher:
    def __init__(self, count, shape, dtype):
        self.images = [np.roll(np.tri(28, dtype=dtype)[None, None], i, axis=3) for i in range(count)]
        self.batch_size, self.shape, self.dtype = shape[0], shape, dtype

    def get_batch(self):
        for image in self.images:
            yield np.ascontiguousarray(image), ["synthetic"], None


class EngineCalibrator(trt.IInt8EntropyCalibrator2):
    def __init__(self, cache_file):
        super().__init__()
        self.cache_file = cache_file
        self.image_batcher = None
        self.batch_allocation = None
        self.batch_generator = None

    def set_image_batcher(self, image_batcher: ImageBatcher):
        self.image_batcher = image_batcher
        size = int(np.dtype(self.image_batcher.dtype).itemsize * np.prod(self.image_batcher.shape))
        self.batch_allocation = cuda_call(cudart.cudaMalloc(size))
        self.batch_generator = self.image_batcher.get_batch()

    def get_batch_size(self):
        return self.image_batcher.batch_size if self.image_batcher else 1

    def get_batch(self, names):
        if not self.image_batcher:
            return None
        try:
            batch, _, _ = next(self.batch_generator)
            cuda_call(cudart.cudaMemcpy(self.batch_allocation, batch, batch.nbytes, cudart.cudaMemcpyKind.cudaMemcpyHostToDevice))
            return [int(self.batch_allocation)]
        except StopIteration:
            log.info("Finished calibration batches")
            return None

    def read_calibration_cache(self):
        if self.cache_file is not None and os.path.exists(self.cache_file):
            with open(self.cache_file, "rb") as f:
                return f.read()

    def write_calibration_cache(self, cache):
        if self.cache_file is None:
            return
        with open(self.cache_file, "wb") as f:
            f.write(cache)


class EngineBuilder:
    def __init__(self, verbose=False, workspace=8):
        self.trt_logger = trt.Logger(trt.Logger.INFO)
        if verbose:
            self.trt_logger.min_severity = trt.Logger.Severity.VERBOSE
        trt.init_libnvinfer_plugins(self.trt_logger, namespace="")
        self.builder = trt.Builder(self.trt_logger)
        self.config = self.builder.create_builder_config()
        self.config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace * (2**30))
        self.network = None
        self.parser = None

    def create_network(self, onnx_path):
        self.network = self.builder.create_network(0)
        self.parser = trt.OnnxParser(self.network, self.trt_logger)
        if not self.parser.parse_from_file(os.path.realpath(onnx_path)):
            for error in range(self.parser.num_errors):
                log.error(self.parser.get_error(error))
            sys.exit(1)
        inputs = [self.network.get_input(i) for i in range(self.network.num_inputs)]
        outputs = [self.network.get_output(i) for i in range(self.network.num_outputs)]
        for tensor in inputs + outputs:
            log.info("'{}' with shape {} and dtype {}".format(tensor.name, tensor.shape, tensor.dtype))
        self.batch_size = inputs[0].shape[0]

    def set_mixed_precision(self):
        self.config.set_flag(trt.BuilderFlag.PREFER_PRECISION_CONSTRAINTS)
        for i in range(self.network.num_layers):
            layer = self.network.get_layer(i)
            if layer.type == trt.LayerType.SOFTMAX:
                self.network.get_layer(i).precision = trt.DataType.HALF
                log.info("Mixed-Precision Layer {} set to HALF STRICT data type".format(layer.name))

    def create_engine(self, engine_path, precision, dla, calib_cache):
        inputs = [self.network.get_input(i) for i in range(self.network.num_inputs)]
        if dla is not None:
            self.config.default_device_type = trt.DeviceType.DLA
            self.config.DLA_core = dla
            self.config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
        self.config.set_flag(trt.BuilderFlag.FP16)
        if precision == "int8":
            if not self.builder.platform_has_fast_int8:
                log.warning("INT8 is not supported natively on this platform/device")
            self.config.set_flag(trt.BuilderFlag.INT8)
            self.config.int8_calibrator = EngineCalibrator(calib_cache)
            if calib_cache is None or not os.path.exists(calib_cache):
                self.config.int8_calibrator.set_image_batcher(
                    ImageBatcher(6, [1] + list(inputs[0].shape[1:]), trt.nptype(inputs[0].dtype)))
            self.set_mixed_precision()
        timing_cache = self.config.create_timing_cache(b"")
        self.config.set_timing_cache(timing_cache, ignore_mismatch=False)
        engine_bytes = self.builder.build_serialized_network(self.network, self.config)
        if engine_bytes is None:
            log.error("Failed to create engine")
            sys.exit(1)
        with open(engine_path, "wb") as f:
            log.info("Serializing engine to file: {:}".format(engine_path))
            f.write(engine_bytes)


class TensorRTInfer:
    def __init__(self, engine_path):
        self.logger = trt.Logger(trt.Logger.ERROR)
        with open(engine_path, "rb") as f, trt.Runtime(self.logger) as runtime:
            self.engine = runtime.deserialize_cuda_engine(f.read())
        self.context = self.engine.create_execution_context()
        assert self.engine
        assert self.context
        self.inputs, self.outputs, self.bindings, self.stream = common.allocate_buffers(self.engine)

    def infer(self, batch):
        self.inputs[0].host = batch
        return [np.array(a) for a in common.do_inference(self.context, self.engine, self.bindings, self.inputs, self.outputs, self.stream)]


def main(args):
    builder = EngineBuilder(args.verbose, args.workspace)
    builder.create_network(args.onnx)
    builder.create_engine(args.engine, args.precision, args.useDLACore, args.calib_cache)
    infer = TensorRTInfer(args.engine)
    scores = infer.infer(np.tri(28, dtype=np.float32)[None, None])[0]
    log.info("scores sum to %.3f", scores.sum())
    print("class", int(np.argmax(scores)))
    common.free_buffers(infer.inputs, infer.outputs, infer.stream)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", "--onnx", default="model.onnx")
    parser.add_argument("-e", "--engine", default="model.trt")
    parser.add_argument("-p", "--precision", default="fp16", choices=["fp16", "int8"])
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("-w", "--workspace", default=1, type=int)
    parser.add_argument("--useDLACore", type=int)
    parser.add_argument("--calib_cache", default="calib.cache")
    main(parser.parse_args())
