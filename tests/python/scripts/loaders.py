"""A program in the manner of lazy loaders: CUDA by way of ctypes, memory from an output allocator, the engine through streams."""
import ctypes

import numpy as np
import tensorrt as trt


class Cuda:
    def __init__(self):
        self.library = ctypes.CDLL("libcudart.so")

    def check(self, status):
        if status != 0:
            raise RuntimeError(f"CUDA error {status}")

    def malloc(self, size):
        pointer = ctypes.c_void_p()
        self.check(self.library.cudaMalloc(ctypes.byref(pointer), ctypes.c_size_t(size)))
        return pointer.value

    def free(self, pointer):
        self.check(self.library.cudaFree(ctypes.c_void_p(pointer)))

    def stream(self):
        pointer = ctypes.c_void_p()
        self.check(self.library.cudaStreamCreate(ctypes.byref(pointer)))
        return pointer.value

    def copy(self, to, source, size, kind, stream):
        self.check(self.library.cudaMemcpyAsync(ctypes.c_void_p(to), ctypes.c_void_p(source), ctypes.c_size_t(size), ctypes.c_int(kind),
                                                ctypes.c_void_p(stream)))


class Allocator(trt.IOutputAllocator):
    def __init__(self, cuda):
        trt.IOutputAllocator.__init__(self)
        self.cuda, self.memory, self.shapes, self.calls = cuda, {}, {}, []

    def reallocate_output(self, tensor_name, memory, size, alignment):
        self.calls.append("reallocate")
        if tensor_name not in self.memory:
            self.memory[tensor_name] = self.cuda.malloc(size)
        return self.memory[tensor_name]

    def notify_shape(self, tensor_name, shape):
        self.calls.append("notify")
        self.shapes[tensor_name] = tuple(shape)


class Writer(trt.IStreamWriter):
    def __init__(self):
        trt.IStreamWriter.__init__(self)
        self.data = bytearray()

    def write(self, data):
        self.data += data
        return len(data)


class Reader(trt.IStreamReader):
    def __init__(self, data):
        trt.IStreamReader.__init__(self)
        self.data, self.at = data, 0

    def read(self, size):
        piece = self.data[self.at:self.at + size]
        self.at += len(piece)
        return piece


def network_from_path(path, logger, flags=0):
    def load():
        builder = trt.Builder(logger)
        network = builder.create_network(flags)
        parser = trt.OnnxParser(network, logger)
        if not parser.parse_from_file(path):
            raise RuntimeError([parser.get_error(i).desc() for i in range(parser.num_errors)])
        return builder, network
    return load


def engine_from_network(loader, logger, dla=True):
    builder, network = loader()
    config = builder.create_builder_config()
    if dla:
        config.set_flag(trt.BuilderFlag.FP16)
        config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
        config.default_device_type = trt.DeviceType.DLA
    writer = Writer()
    if not builder.build_serialized_network_to_stream(network, config, writer):
        return None
    return trt.Runtime(logger).deserialize_cuda_engine(Reader(bytes(writer.data)))


def main():
    cuda, logger = Cuda(), trt.Logger()
    engine = engine_from_network(network_from_path("model.onnx", logger), logger)
    names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
    inputs = [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
    outputs = [name for name in names if name not in inputs]
    context, stream, allocator = engine.create_execution_context(), cuda.stream(), Allocator(cuda)
    image = np.zeros(tuple(engine.get_tensor_shape(inputs[0])), trt.nptype(engine.get_tensor_dtype(inputs[0])))
    image[..., 4:24, 12:16] = 1
    device = cuda.malloc(image.nbytes)
    cuda.copy(device, image.ctypes.data, image.nbytes, 1, stream)
    assert context.set_tensor_address(inputs[0], device)
    assert context.set_output_allocator(outputs[0], allocator)
    assert not context.set_output_allocator(inputs[0], allocator)
    assert context.execute_async_v3(stream)
    result = np.zeros(allocator.shapes[outputs[0]], np.float32)
    cuda.copy(result.ctypes.data, allocator.memory[outputs[0]], result.nbytes, 2, stream)
    cuda.check(cuda.library.cudaStreamSynchronize(ctypes.c_void_p(stream)))
    assert allocator.calls[:2] == ["reallocate", "notify"], allocator.calls
    cuda.free(device)

    strong = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    assert engine_from_network(network_from_path("model.onnx", logger, strong), logger) is None  # the DLA has no float32
    assert engine_from_network(network_from_path("model.onnx", logger, strong), logger, dla=False) is not None
    layer = engine.create_engine_inspector().get_layer_information(0, trt.LayerInformationFormat.JSON)
    assert '"Format/Datatype": "Row major linear FP32"' in layer, layer
    print(f"class {result.argmax()}")


if __name__ == "__main__":
    main()
