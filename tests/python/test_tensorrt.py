# SPDX-License-Identifier: Apache-2.0
"""medlar.tensorrt and medlar.compat: names, manners and misuse."""
import numpy as np
import pytest

import medlar
import medlar.tensorrt as trt
from medlar.compat import cudart
from medlar.compat import pycuda_driver as cuda


class KeepingLogger(trt.ILogger):
    def __init__(self):
        trt.ILogger.__init__(self)
        self.lines = []

    def log(self, severity, msg):
        self.lines.append((severity, msg))

    def errors(self):
        return [msg for severity, msg in self.lines if severity <= trt.ILogger.ERROR]


@pytest.fixture
def logger():
    return KeepingLogger()


@pytest.fixture
def parsed(logger, model):
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    parser = trt.OnnxParser(network, logger)
    with open(model, "rb") as f:
        assert parser.parse(f.read())
    config = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.FP16)
    config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
    config.default_device_type = trt.DeviceType.DLA
    return builder, network, config


def test_plain_types():
    assert trt.nptype(trt.float16) is np.float16 and trt.nptype(trt.DataType.FLOAT) is np.float32
    assert trt.volume((2, 3, 4)) == 24 and trt.volume(()) == 1
    assert str(trt.DataType.HALF) == "DataType.HALF" and trt.DataType.FLOAT.itemsize == 4
    assert 1 << int(trt.BuilderFlag.INT8) == 2
    assert trt.Dims((1, 2)) == (1, 2) and trt.DimsHW(3, 4).w == 4
    assert trt.Weights(np.ones(3, np.float32)).size == 3 and trt.Weights(trt.float32).size == 0
    with pytest.raises(TypeError):
        trt.nptype(trt.DataType.BF16)
    with pytest.raises(AttributeError, match="Refitter"):
        trt.Refitter


def test_parsed_networks(parsed):
    _, network, _ = parsed
    assert network.num_inputs == 1 and network.get_input(0).shape == (1, 1, 28, 28)
    first = network.get_layer(0)
    assert first.type == trt.LayerType.CONVOLUTION and first.name == "conv1"
    first.__class__ = trt.IConvolutionLayer
    assert first.kernel_size == (5, 5) and first.kernel.ndim == 4
    assert network[-1].type == trt.LayerType.SOFTMAX
    assert len(list(network)) == network.num_layers == len(network)
    assert network.get_layer(0) == network[0]


def test_settings_of_a_config(parsed, logger):
    builder, network, config = parsed
    assert config.get_flag(trt.BuilderFlag.FP16) and config.flags & 1
    config.max_workspace_size = 1 << 20
    assert config.get_memory_pool_limit(trt.MemoryPoolType.WORKSPACE) == 1 << 20
    config.set_memory_pool_limit(trt.MemoryPoolType.DLA_MANAGED_SRAM, 1 << 16)
    config.DLA_core = 0
    assert config.can_run_on_DLA(network[0]) and not config.can_run_on_DLA(network[-1])
    config.builder_optimization_level = 5
    assert any("no effect" in line for _, line in logger.lines)
    with pytest.raises(AttributeError):
        config.no_such_setting = 1
    with pytest.raises(medlar.Unsupported):
        config.set_flag(trt.BuilderFlag.REFIT)
    with pytest.raises(medlar.Unsupported):
        network.add_plugin_v2([], None)
    with pytest.raises(medlar.OutOfRange):
        config.DLA_core = 9
    strong = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    assert strong.get_flag(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    assert builder.build_serialized_network(strong, config) is None and "strongly typed" in logger.lines[-1][1]


def test_both_generations_of_calls_give_the_same(parsed, logger, image):
    builder, network, config = parsed
    old = builder.build_engine(network, config)
    new = trt.Runtime(logger).deserialize_cuda_engine(builder.build_serialized_network(network, config))
    assert old.serialize() == new.serialize()
    assert list(old) == ["image", "probabilities"] and old["image"] == 0 and old[1] == "probabilities"
    assert new.get_tensor_mode("image") == trt.TensorIOMode.INPUT and new.num_io_tensors == old.num_bindings == 2

    scores = [np.empty(10, np.float32) for _ in range(3)]
    d_in, d_out = cuda.mem_alloc(image.nbytes), cuda.mem_alloc(40)
    cuda.memcpy_htod(d_in, image)
    assert old.create_execution_context().execute_v2([int(d_in), int(d_out)])
    cuda.memcpy_dtoh(scores[0], d_out)

    stream, context = cuda.Stream(), old.create_execution_context()
    assert context.execute_async_v2([int(d_in), int(d_out)], stream.handle)
    cuda.memcpy_dtoh_async(scores[1], d_out, stream)
    stream.synchronize()

    context = new.create_execution_context()
    assert context.set_tensor_address("image", int(d_in)) and context.set_tensor_address("probabilities", d_out)
    assert context.execute_async_v3(stream_handle=stream.handle)
    cuda.memcpy_dtoh_async(scores[2], d_out, stream)
    stream.synchronize()
    assert np.array_equal(scores[0], scores[1]) and np.array_equal(scores[0], scores[2])
    assert abs(scores[0].sum() - 1) < 1e-3


def test_profiler_and_inspector(parsed, image):
    builder, network, config = parsed
    engine = builder.build_engine(network, config)

    class Recorder(trt.IProfiler):
        def __init__(self):
            trt.IProfiler.__init__(self)
            self.layers = {}

        def report_layer_time(self, layer_name, ms):
            self.layers[layer_name] = ms
    context = engine.create_execution_context()
    context.profiler = Recorder()
    d_in, d_out = cuda.to_device(image), cuda.mem_alloc(40)
    assert context.execute_v2([d_in, d_out])
    assert context.profiler.layers and all(ms > 0 for ms in context.profiler.layers.values())
    assert "conv1" in engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)


def test_misuse_is_a_line_in_the_log_and_no_crash(parsed, logger):
    builder, network, config = parsed
    engine = builder.build_engine(network, config)
    context = engine.create_execution_context()
    host = np.zeros(784, np.float32)
    freed = cuda.mem_alloc(3136)
    address = int(freed)
    freed.free()
    out = cuda.mem_alloc(40)
    for bindings in ([0, 0], [1], [host.ctypes.data, int(out)], [address, int(out)], [int(out), int(out)]):
        before = len(logger.errors())
        assert context.execute_v2(bindings) is False
        assert len(logger.errors()) > before, bindings
    assert context.set_tensor_address("no such", int(out)) is False
    assert context.execute_async_v3(0xDEAD) is False
    assert context.set_input_shape("image", (2, 1, 28, 28)) is False
    assert trt.Runtime(logger).deserialize_cuda_engine(b"rubbish") is None
    assert trt.Runtime(logger).deserialize_cuda_engine(engine.serialize()[:-10]) is None
    with pytest.raises(TypeError):
        trt.Builder(None)
    with pytest.raises(TypeError):
        trt.OnnxParser(None, logger)


def test_parser_errors(logger):
    network = trt.Builder(logger).create_network()
    parser = trt.OnnxParser(network, logger)
    assert not parser.parse(b"rubbish") and parser.num_errors == 1
    assert "ONNX" in parser.get_error(0).desc()
    parser.clear_errors()
    assert parser.num_errors == 0


def test_a_network_layer_by_layer(logger):
    builder = trt.Builder(logger)
    network = builder.create_network()
    x = network.add_input("x", trt.float32, (1, 1, 8, 8))
    conv = network.add_convolution_nd(x, 4, (3, 3), np.full((4, 1, 3, 3), 0.1, np.float32), trt.Weights(np.ones(4, np.float32)))
    conv.stride_nd, conv.padding_nd = (1, 1), (1, 1)
    relu = network.add_activation(conv.get_output(0), trt.ActivationType.RELU)
    pool = network.add_pooling_nd(relu.get_output(0), trt.PoolingType.MAX, trt.Dims2(2, 2))
    pool.stride_nd = trt.Dims2(2, 2)
    scale = network.add_scale(pool.get_output(0), trt.ScaleMode.UNIFORM, scale=np.array([2], np.float32))
    scale.get_output(0).name = "y"
    network.mark_output(tensor=scale.get_output(0))
    assert scale.get_output(0).shape == (1, 4, 4, 4) and pool.type == trt.PoolingType.MAX
    config = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.FP16)
    config.default_device_type = trt.DeviceType.DLA
    engine = builder.build_engine(network, config)
    assert engine is not None, logger.errors()
    x_value, y_value = np.ones((1, 1, 8, 8), np.float32), np.empty((1, 4, 4, 4), np.float32)
    d_x, d_y = cuda.to_device(x_value), cuda.mem_alloc(y_value.nbytes)
    assert engine.create_execution_context().execute_v2([d_x, d_y])
    cuda.memcpy_dtoh(y_value, d_y)
    assert np.allclose(y_value[0, 0, 1:3, 1:3], 3.8, atol=0.02)


class Calibrator(trt.IInt8EntropyCalibrator2):
    def __init__(self, batches):
        trt.IInt8EntropyCalibrator2.__init__(self)
        self.batches, self.memory, self.cache = iter(batches), cuda.mem_alloc(4 * 3136), None

    def get_batch_size(self):
        return 4

    def get_batch(self, names):
        batch = next(self.batches, None)
        if batch is None:
            return None
        if isinstance(batch, Exception):
            raise batch
        cuda.memcpy_htod(self.memory, batch)
        return [self.memory]

    def read_calibration_cache(self):
        return self.cache

    def write_calibration_cache(self, cache):
        self.cache = bytes(cache)


def test_calibrators(parsed, logger):
    builder, network, config = parsed
    config.set_flag(trt.BuilderFlag.INT8)
    rng = np.random.default_rng(1)
    config.int8_calibrator = Calibrator(rng.random((2, 4, 1, 28, 28), np.float32))
    first = builder.build_serialized_network(network, config)
    assert first is not None, logger.errors()
    assert config.int8_calibrator.cache.startswith(b"TRT-8601-EntropyCalibration2\n")
    again = builder.build_serialized_network(network, config)
    assert again is not None
    config.int8_calibrator = Calibrator([ValueError("mine")])
    with pytest.raises(medlar.CallbackError) as caught:
        builder.build_serialized_network(network, config)
    assert isinstance(caught.value.__cause__, ValueError)


def test_pycuda_names():
    host = cuda.pagelocked_empty((4, 4), np.float32)
    host[:] = np.arange(16).reshape(4, 4)
    device = cuda.mem_alloc(host.nbytes)
    stream, start, end = cuda.Stream(), cuda.Event(), cuda.Event()
    start.record(stream)
    cuda.memcpy_htod_async(device, host, stream)
    back = np.empty_like(host)
    cuda.memcpy_dtoh_async(back, device, stream)
    end.record(stream)
    stream.synchronize()
    assert np.array_equal(back, host) and start.time_till(end) >= 0 and stream.is_done()
    with pytest.raises(cuda.LogicError):
        cuda.memcpy_htod(device, np.zeros(1000, np.float32))
    with pytest.raises(ValueError, match="contiguous"):
        cuda.memcpy_dtoh(np.empty((8, 8), np.float32)[::2, ::2], device)
    with pytest.raises(cuda.MemoryError):
        cuda.mem_alloc(1 << 50)
    device.free()
    with pytest.raises(cuda.LogicError):
        device.free()
    with pytest.raises(AttributeError, match="SourceModule"):
        cuda.SourceModule
    free, total = cuda.mem_get_info()
    assert 0 < free <= total


def test_cuda_python_names():
    error, address = cudart.cudaMalloc(64)
    assert error == cudart.cudaError_t.cudaSuccess
    source, back = np.arange(16, dtype=np.float32), np.empty(16, np.float32)
    kind = cudart.cudaMemcpyKind
    assert cudart.cudaMemcpy(address, source.ctypes.data, 64, kind.cudaMemcpyHostToDevice) == (0,)
    stream = cudart.cudaStreamCreate()[1]
    assert cudart.cudaMemcpyAsync(back, address, 64, kind.cudaMemcpyDeviceToHost, stream)[0] == 0
    assert cudart.cudaStreamSynchronize(stream)[0] == 0 and np.array_equal(source, back)
    assert cudart.cudaMemcpy(address, source, 65, kind.cudaMemcpyHostToDevice)[0] == cudart.cudaError_t.cudaErrorInvalidValue
    assert cudart.cudaFree(address)[0] == 0
    assert cudart.cudaFree(address)[0] == cudart.cudaError_t.cudaErrorInvalidValue
    assert cudart.cudaStreamSynchronize(12345)[0] != 0
    assert cudart.cudaGetErrorString(cudart.cudaError_t.cudaSuccess)[1] == b"cudaSuccess"
