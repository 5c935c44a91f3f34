# SPDX-License-Identifier: Apache-2.0
"""A small classifier described layer by layer from a dictionary of weights, in the manner of the network API samples."""
import numpy as np
import pycuda.autoinit  # noqa: F401
import pycuda.driver as cuda
import tensorrt as trt


class ModelData(object):
    INPUT_NAME = "data"
    INPUT_SHAPE = (1, 1, 28, 28)
    OUTPUT_NAME = "prob"
    OUTPUT_SIZE = 10
    DTYPE = trt.float32


def weights():
    rng = np.random.default_rng(3)
    shapes = {"conv1.weight": (20, 1, 5, 5), "conv1.bias": (20,), "conv2.weight": (50, 20, 5, 5), "conv2.bias": (50,),
              "fc1.weight": (500, 800), "fc1.bias": (500,), "fc2.weight": (10, 500), "fc2.bias": (10,)}
    return {name: (rng.standard_normal(shape) * 0.05).astype(np.float32) for name, shape in shapes.items()}


def add_matmul_as_fc(net, input, outputs, w, b):
    assert len(input.shape) >= 3
    m = 1 if len(input.shape) == 3 else input.shape[0]
    k = int(np.prod(input.shape) / m)
    assert np.prod(input.shape) == m * k
    n = int(w.size / k)
    assert w.size == n * k
    assert b.size == n
    input_reshape = net.add_shuffle(input)
    input_reshape.reshape_dims = trt.Dims2(m, k)
    filter_const = net.add_constant(trt.Dims2(n, k), w)
    mm = net.add_matrix_multiply(input_reshape.get_output(0), trt.MatrixOperation.NONE, filter_const.get_output(0), trt.MatrixOperation.TRANSPOSE)
    bias_const = net.add_constant(trt.Dims2(1, n), b)
    bias_add = net.add_elementwise(mm.get_output(0), bias_const.get_output(0), trt.ElementWiseOperation.SUM)
    output_reshape = net.add_shuffle(bias_add.get_output(0))
    output_reshape.reshape_dims = trt.Dims4(m, n, 1, 1)
    return output_reshape


def populate_network(network, weights):
    input_tensor = network.add_input(name=ModelData.INPUT_NAME, dtype=ModelData.DTYPE, shape=ModelData.INPUT_SHAPE)
    conv1 = network.add_convolution_nd(input=input_tensor, num_output_maps=20, kernel_shape=(5, 5), kernel=weights["conv1.weight"],
                                       bias=weights["conv1.bias"])
    conv1.stride_nd = (1, 1)
    pool1 = network.add_pooling_nd(input=conv1.get_output(0), type=trt.PoolingType.MAX, window_size=(2, 2))
    pool1.stride_nd = trt.Dims2(2, 2)
    conv2 = network.add_convolution_nd(pool1.get_output(0), 50, (5, 5), weights["conv2.weight"], weights["conv2.bias"])
    conv2.stride_nd = (1, 1)
    pool2 = network.add_pooling_nd(conv2.get_output(0), trt.PoolingType.MAX, (2, 2))
    pool2.stride_nd = trt.Dims2(2, 2)
    fc1 = add_matmul_as_fc(network, pool2.get_output(0), 500, weights["fc1.weight"], weights["fc1.bias"])
    relu1 = network.add_activation(input=fc1.get_output(0), type=trt.ActivationType.RELU)
    fc2 = add_matmul_as_fc(network, relu1.get_output(0), ModelData.OUTPUT_SIZE, weights["fc2.weight"], weights["fc2.bias"])
    fc2.get_output(0).name = ModelData.OUTPUT_NAME
    network.mark_output(tensor=fc2.get_output(0))


def main():
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    config = builder.create_builder_config()
    runtime = trt.Runtime(logger)
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1 << 30)
    config.set_flag(trt.BuilderFlag.FP16)
    config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
    config.default_device_type = trt.DeviceType.DLA
    populate_network(network, weights())
    plan = builder.build_serialized_network(network, config)
    engine = runtime.deserialize_cuda_engine(plan)
    with engine.create_execution_context() as context:
        picture = np.tri(28, dtype=np.float32).reshape(ModelData.INPUT_SHAPE)
        scores = np.empty(ModelData.OUTPUT_SIZE, np.float32)
        d_in, d_out = cuda.mem_alloc(picture.nbytes), cuda.mem_alloc(scores.nbytes)
        cuda.memcpy_htod(d_in, picture)
        context.execute_v2([int(d_in), int(d_out)])
        cuda.memcpy_dtoh(scores, d_out)
    print("class", int(np.argmax(scores)), "layers", network.num_layers)


if __name__ == "__main__":
    main()
