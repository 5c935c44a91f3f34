# SPDX-License-Identifier: Apache-2.0
"""Error recorders, allocators, memory that the program brings, and the small names around engines and contexts."""
import gc

import numpy as np
import pytest

import medlar
import medlar.tensorrt as trt
from medlar.compat import pycuda_driver as cuda


class Logger(trt.ILogger):
    def __init__(self):
        trt.ILogger.__init__(self)
        self.lines = []

    def log(self, severity, msg):
        self.lines.append((severity, msg))

    def has(self, words):
        return any(words in msg for _, msg in self.lines)


class Recorder(trt.IErrorRecorder):
    def __init__(self):
        trt.IErrorRecorder.__init__(self)
        self.errors = []

    def num_errors(self):
        return len(self.errors)

    def get_error_code(self, index):
        return self.errors[index][0]

    def get_error_desc(self, index):
        return self.errors[index][1]

    def has_overflowed(self):
        return False

    def clear(self):
        self.errors.clear()

    def report_error(self, code, desc):
        self.errors.append((code, desc))
        return True


class Allocator(trt.IGpuAllocator):
    def __init__(self, gives=True):
        trt.IGpuAllocator.__init__(self)
        self.gives, self.held, self.asked = gives, {}, []

    def allocate(self, size, alignment, flags):
        self.asked.append(size)
        if not self.gives:
            return None
        memory = cuda.mem_alloc(size)
        self.held[int(memory)] = memory
        return int(memory)

    def deallocate(self, memory):
        self.held.pop(memory).free()
        return True


@pytest.fixture
def logger():
    return Logger()


@pytest.fixture
def plan(engine):
    return engine.serialize()


def run(context, image):
    scores, d_in, d_out = np.empty(10, np.float32), cuda.to_device(image), cuda.mem_alloc(40)
    if not context.execute_v2([d_in, d_out]):
        return None
    cuda.memcpy_dtoh(scores, d_out)
    return scores


def test_recorders_hear_of_what_fails(logger, plan):
    recorder, runtime = Recorder(), trt.Runtime(logger)
    runtime.error_recorder = recorder
    assert runtime.error_recorder is recorder and trt.Runtime(logger).error_recorder is None
    assert runtime.deserialize_cuda_engine(b"rubbish") is None
    assert recorder.num_errors() == 1 and recorder.get_error_code(0) == trt.ErrorCodeTRT.FAILED_INITIALIZATION
    engine = runtime.deserialize_cuda_engine(plan)
    context = engine.create_execution_context()
    assert engine.error_recorder is recorder and context.error_recorder is recorder
    recorder.clear()
    assert not context.execute_v2([0, 0]) and not context.set_tensor_address("no such", 1)
    assert [code for code, _ in recorder.errors] == [trt.ErrorCodeTRT.INVALID_ARGUMENT] * 2 and "no such" in recorder.get_error_desc(1)
    context.error_recorder = None
    assert not context.execute_v2([0, 0]) and recorder.num_errors() == 2


def test_recorders_of_builders_and_networks(logger):
    builder, own = trt.Builder(logger), Recorder()
    builder.error_recorder = Recorder()
    network = builder.create_network()
    assert network.error_recorder is builder.error_recorder and network.builder is builder
    network.error_recorder = own
    assert builder.build_serialized_network(network, builder.create_builder_config()) is None
    assert own.num_errors() == builder.error_recorder.num_errors() == 1

    class Broken(Recorder):
        def report_error(self, code, desc):
            raise KeyError("mine")
    builder.error_recorder = Broken()
    with pytest.raises(medlar.CallbackError) as caught:
        builder.build_serialized_network(network, builder.create_builder_config())
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(TypeError, match="IErrorRecorder"):
        builder.error_recorder = 3


def test_allocators_are_asked_for_a_contexts_memory(logger, plan, image):
    allocator, runtime = Allocator(), trt.Runtime(logger)
    runtime.gpu_allocator = allocator
    engine = runtime.deserialize_cuda_engine(plan)
    context = engine.create_execution_context()
    assert allocator.asked == [engine.device_memory_size] and len(allocator.held) == 1
    assert run(context, image) is not None
    del context
    gc.collect()
    assert not allocator.held
    runtime.gpu_allocator = Allocator(gives=False)
    assert runtime.deserialize_cuda_engine(plan).create_execution_context() is None and logger.has("gave no memory")
    with pytest.raises(TypeError, match="IGpuAllocator"):
        runtime.gpu_allocator = object()
    with pytest.raises(NotImplementedError):
        trt.IGpuAsyncAllocator().allocate(1, 1, 0)


def test_memory_that_the_program_brings(logger, plan, image):
    engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
    context = engine.create_execution_context_without_device_memory()
    assert run(context, image) is None and logger.has("without device memory")
    size = engine.device_memory_size
    assert size > 0 and size == engine.get_device_memory_size_for_profile(0) == context.update_device_memory_size_for_shapes()
    memory = cuda.mem_alloc(size)
    with pytest.raises(medlar.InvalidArgument, match=str(size)):
        context.set_device_memory(int(memory), size - 1)
    with pytest.raises(medlar.Error):
        context.device_memory = 12345
    context.device_memory = int(memory)
    assert context.device_memory == int(memory)
    assert np.array_equal(run(context, image), run(engine.create_execution_context(), image))
    other = engine.create_execution_context(trt.ExecutionContextAllocationStrategy.USER_MANAGED)
    other.set_device_memory(int(memory), size)
    assert run(other, image) is not None


def test_small_names_of_engines(logger, plan):
    engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
    assert engine.streamable_weights_size == engine.weight_streaming_budget == engine.weight_streaming_budget_v2 == 0
    with pytest.raises(medlar.Unsupported, match="1024"):
        engine.weight_streaming_budget_v2 = 1024
    assert not engine.is_debug_tensor("image") and engine.get_aliased_input_tensor("image") is None
    assert engine.hardware_compatibility_level == trt.HardwareCompatibilityLevel.NONE
    config = engine.create_serialization_config()
    assert engine.serialize_with_config(config) == plan
    with pytest.raises(medlar.Unsupported, match="EXCLUDE_WEIGHTS"):
        config.set_flag(trt.SerializationFlag.EXCLUDE_WEIGHTS)
    assert engine.get_engine_stat(trt.EngineStat.TOTAL_WEIGHTS_SIZE) > 0
    context = engine.create_execution_context(engine.create_runtime_config())
    assert context.get_shape(0) == []
    with pytest.raises(medlar.InvalidArgument, match="image"):
        context.set_shape_input(0, [1])
    context.set_aux_streams([])
    context.temporary_allocator = Allocator()
    assert logger.has("temporary_allocator has no effect")


def test_small_names_of_builders(logger, model):
    runtime, builder = trt.Runtime(logger), trt.Builder(logger)
    runtime.temporary_directory = "/tmp"
    runtime.tempfile_control_flags = 1 << int(trt.TempfileControlFlag.ALLOW_IN_MEMORY_FILES)
    assert runtime.temporary_directory == "/tmp" and runtime.tempfile_control_flags == 1
    config, network = builder.create_builder_config(), builder.create_network()
    config.tiling_optimization_level = trt.TilingOptimizationLevel.FULL
    config.plugins_to_serialize = []
    assert config.plugins_to_serialize == [] and logger.has("tiling_optimization_level has no effect")
    with pytest.raises(medlar.Unsupported, match="plugins_to_serialize"):
        config.plugins_to_serialize = ["libmine.so"]
    assert trt.get_builder_plugin_registry(trt.EngineCapability.STANDARD).all_creators == () and trt.itemsize(trt.float16) == 2
    parser = trt.OnnxParser(network, logger)
    with open(model, "rb") as f:
        assert parser.supports_model_v2(f.read())
    assert parser.num_subgraphs == 1 and parser.is_subgraph_supported(0) and parser.get_subgraph_nodes(0)[0] == 0
    assert not parser.supports_model_v2(b"rubbish") and not parser.is_subgraph_supported(0)
    with pytest.raises(medlar.OutOfRange):
        parser.get_subgraph_nodes(1)
    with pytest.raises(TypeError, match="IBuilderConfig"):
        builder.build_serialized_network(network, None)
    with pytest.raises(medlar.Unsupported, match="STRIP_PLAN"):
        config.set_flag(trt.BuilderFlag.STRIP_PLAN)
    config.set_flag(trt.BuilderFlag.WEIGHT_STREAMING)
    assert config.get_flag(trt.BuilderFlag.WEIGHT_STREAMING) and logger.has("WEIGHT_STREAMING has no effect")
    x = network.add_input("x", trt.float32, (1, 3))
    assert network.set_weights_name(trt.Weights(np.ones(3, np.float32)), "w") and logger.has("set_weights_name('w') has no effect")
    x.set_dimension_name(0, "batch")
    assert x.get_dimension_name(0) == "batch" and x.get_dimension_name(1) is None
