# SPDX-License-Identifier: Apache-2.0
"""A classifier in the manner of TensorRT 8's Python samples: with statements, common.py, one class of the answer printed."""
import os
import sys

import numpy as np
import tensorrt as trt

sys.path.insert(1, os.path.dirname(os.path.abspath(__file__)))
import common  # noqa: E402

TRT_LOGGER = trt.Logger(trt.Logger.WARNING)


class ModelData(object):
    MODEL_PATH = "model.onnx"
    INPUT_SHAPE = (1, 28, 28)
    DTYPE = trt.float32


def build_engine_onnx(model_file, dla_core):
    builder = trt.Builder(TRT_LOGGER)
    network = builder.create_network(common.EXPLICIT_BATCH)
    config = builder.create_builder_config()
    parser = trt.OnnxParser(network, TRT_LOGGER)
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, common.GiB(1))
    if dla_core >= 0:
        if builder.num_DLA_cores == 0:
            raise RuntimeError("no DLA")
        config.default_device_type = trt.DeviceType.DLA
        config.DLA_core = dla_core
        config.set_flag(trt.BuilderFlag.FP16)
        config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
    with open(model_file, "rb") as model:
        if not parser.parse(model.read()):
            print("ERROR: Failed to parse the ONNX file.")
            for error in range(parser.num_errors):
                print(parser.get_error(error))
            return None
    engine_bytes = builder.build_serialized_network(network, config)
    runtime = trt.Runtime(TRT_LOGGER)
    return runtime.deserialize_cuda_engine(engine_bytes)


def load_normalized_test_case(pagelocked_buffer):
    image = np.zeros(ModelData.INPUT_SHAPE, trt.nptype(ModelData.DTYPE))
    image[0, 4:24, 12:16] = 1
    np.copyto(pagelocked_buffer, image.ravel())


def main():
    args = common.arguments("Runs a classifier")
    with build_engine_onnx(os.path.join(args.datadir, ModelData.MODEL_PATH), args.dla) as engine:
        inputs, outputs, bindings, stream = common.allocate_buffers(engine)
        with engine.create_execution_context() as context:
            load_normalized_test_case(inputs[0].host)
            trt_outputs = common.do_inference_v2(context, bindings=bindings, inputs=inputs, outputs=outputs, stream=stream)
            print("Predicted class:", np.argmax(trt_outputs[0]), "of", trt_outputs[0].shape)


if __name__ == "__main__":
    main()
