# SPDX-License-Identifier: Apache-2.0
"""Runtime, engines and execution contexts under TensorRT's Python names, of TensorRT 8.4 (bindings) to 10 (tensors)."""
import json
import operator

import numpy as np

from .. import _core
from ..compat import _state
from ._basic import DataType, Dims, IHostMemory, Strict, call_back, core_logger, no_effect, nptype, report, unsupported
from ._enums import (EngineCapability, ExecutionContextAllocationStrategy, LayerInformationFormat, ProfilingVerbosity, TensorFormat,
                     TensorIOMode, TensorLocation)
from ._stream import read_all


class IProfiler:
    """Derive from it and define report_layer_time(layer_name, ms). For layers of the DLA, ms is what the device would take,
    as modelled; for segments of the host, what this computer took."""

    def __init__(self):
        pass

    def report_layer_time(self, layer_name, ms):
        raise NotImplementedError("report_layer_time(layer_name, ms)")


class Profiler(IProfiler):
    """Prints every layer."""

    def report_layer_time(self, layer_name, ms):
        print(f"{layer_name}: {ms}ms")


class _CoreProfiler(_core.Profiler):
    def __init__(self, target):
        super().__init__()
        self.target = target

    def report(self, name, modelled_ms, host_ms, _placed, _nodes):
        self.target.report_layer_time(name, modelled_ms if modelled_ms > 0 else host_ms)


class Runtime(Strict):
    error_recorder = property(lambda self: None)
    max_threads = property(lambda self: 1, lambda self, v: no_effect(self._logger, "Runtime.max_threads", "loading uses one thread") or True)
    engine_host_code_allowed = property(lambda self: False, lambda self, v: no_effect(
        self._logger, "Runtime.engine_host_code_allowed", "engines hold no host code"))

    def __init__(self, logger):
        self._logger = core_logger(logger)
        self._core = _core.Runtime(self._logger, _state.device())

    logger = property(lambda self: getattr(self._logger, "target", self._logger))
    num_DLA_cores = property(lambda self: self._core.num_dla_cores)

    @property
    def DLA_core(self):
        return self._core.dla_core

    @DLA_core.setter
    def DLA_core(self, value):
        self._core.dla_core = int(value)

    def deserialize_cuda_engine(self, serialized_engine):
        """The engine; None when its bytes are broken or of another device (the logger says which)."""
        try:
            return ICudaEngine(self._core.deserialize(read_all(serialized_engine)), self._logger, self._core.dla_core)
        except _core.CallbackError:
            raise
        except _core.Error as error:
            report(self._logger, error)
            return None


class ICudaEngine(Strict):
    """`engine[i]` is the name of binding i, `engine[name]` its index; iteration goes over names."""

    def __init__(self, core, logger, dla_core):
        self._core, self._logger, self._dla_core = core, logger, dla_core
        self._tensors = self._core.tensors  # (name, is_input, dtype, shape, bytes)
        self._index = {row[0]: i for i, row in enumerate(self._tensors)}

    name = property(lambda self: self._core.model_name)
    num_layers = property(lambda self: self._core.num_layers)
    num_bindings = property(lambda self: len(self._tensors))
    num_io_tensors = property(lambda self: len(self._tensors))
    num_optimization_profiles = property(lambda self: 1)
    num_aux_streams = property(lambda self: 0)
    max_batch_size = property(lambda self: 1)
    has_implicit_batch_dimension = property(lambda self: False)
    refittable = property(lambda self: False)
    device_memory_size = property(lambda self: self._core.device_memory_bytes)
    device_memory_size_v2 = property(lambda self: self._core.device_memory_bytes)
    workspace_size = property(lambda self: 0)
    engine_capability = property(lambda self: EngineCapability.STANDARD)
    profiling_verbosity = property(lambda self: ProfilingVerbosity.DETAILED)
    tactic_sources = property(lambda self: 0)
    error_recorder = property(lambda self: None)

    def __len__(self):
        return len(self._tensors)

    def __iter__(self):
        return iter(list(self._index))

    def __getitem__(self, key):
        return self.get_binding_index(key) if isinstance(key, str) else self.get_binding_name(key)

    def _row(self, key):
        if isinstance(key, str):
            if key not in self._index:
                raise _core.NotFound(f"the engine has no tensor '{key}': it has [{', '.join(self._index)}]")
            return self._tensors[self._index[key]]
        if not 0 <= operator.index(key) < len(self._tensors):
            raise _core.OutOfRange(f"the engine has {len(self._tensors)} bindings, not one with index {key}")
        return self._tensors[operator.index(key)]

    # Bindings (TensorRT 8)

    def get_binding_name(self, index):
        return self._row(index)[0]

    def get_binding_index(self, name):
        return self._index.get(name, -1)

    def get_binding_shape(self, binding):
        return Dims(self._row(binding)[3])

    def get_binding_dtype(self, binding):
        return DataType(self._row(binding)[2])

    def binding_is_input(self, binding):
        return self._row(binding)[1]

    def get_binding_bytes_per_component(self, binding):
        return np.dtype(nptype(self.get_binding_dtype(binding))).itemsize

    def get_binding_components_per_element(self, binding):
        self._row(binding)
        return 1

    def get_binding_vectorized_dim(self, binding):
        self._row(binding)
        return -1

    def get_binding_format(self, binding):
        self._row(binding)
        return TensorFormat.LINEAR

    def get_binding_format_desc(self, binding):
        return f"Row major linear {self.get_binding_dtype(binding).name} format"

    def is_execution_binding(self, binding):
        self._row(binding)
        return True

    def is_shape_binding(self, binding):
        self._row(binding)
        return False

    def get_location(self, binding):
        self._row(binding)
        return TensorLocation.DEVICE

    def get_profile_shape(self, profile_index, binding):
        return [self.get_binding_shape(binding)] * 3

    # Tensors (TensorRT 8.5 and later)

    def get_tensor_name(self, index):
        return self._row(index)[0]

    def get_tensor_shape(self, name):
        return Dims(self._row(name)[3])

    def get_tensor_dtype(self, name):
        return DataType(self._row(name)[2])

    def get_tensor_mode(self, name):
        return TensorIOMode.NONE if name not in self._index else (TensorIOMode.INPUT if self._row(name)[1] else TensorIOMode.OUTPUT)

    def get_tensor_location(self, name):
        return self.get_location(name)

    def get_tensor_format(self, name, profile_index=0):
        return self.get_binding_format(name)

    def get_tensor_format_desc(self, name, profile_index=0):
        return self.get_binding_format_desc(name)

    def get_tensor_bytes_per_component(self, name, profile_index=0):
        return self.get_binding_bytes_per_component(name)

    def get_tensor_components_per_element(self, name, profile_index=0):
        return self.get_binding_components_per_element(name)

    def get_tensor_vectorized_dim(self, name, profile_index=0):
        return self.get_binding_vectorized_dim(name)

    def get_tensor_profile_shape(self, name, profile_index):
        return [self.get_tensor_shape(name)] * 3

    def get_profile_shape_input(self, profile_index, binding):
        self._row(binding)
        return []  # no input is a shape tensor

    def get_tensor_profile_values(self, name, profile_index):
        self._row(name)
        return []

    def get_device_memory_size_for_profile(self, profile_index):
        if profile_index != 0:
            raise _core.OutOfRange(f"optimisation profile {profile_index}: the engine has one, 0")
        return self._core.device_memory_bytes

    get_device_memory_size_for_profile_v2 = get_device_memory_size_for_profile

    def is_shape_inference_io(self, name):
        return self.is_shape_binding(name)

    # The rest

    def serialize(self):
        return IHostMemory(self._core.serialize())

    def create_execution_context(self, strategy=ExecutionContextAllocationStrategy.STATIC):
        if strategy == ExecutionContextAllocationStrategy.USER_MANAGED:
            raise unsupported("ExecutionContextAllocationStrategy.USER_MANAGED", "contexts allocate their own memory")
        try:
            return IExecutionContext(self, self._core.create_context(self._dla_core))
        except _core.Error as error:
            report(self._logger, error)
            return None

    def create_execution_context_without_device_memory(self):
        raise unsupported("ICudaEngine.create_execution_context_without_device_memory", "create_execution_context()")

    def create_engine_inspector(self):
        return EngineInspector(self)


class EngineInspector(Strict):
    error_recorder = property(lambda self: None)

    def __init__(self, engine):
        self._engine = engine
        self._context = None

    @property
    def execution_context(self):
        return self._context

    @execution_context.setter
    def execution_context(self, context):
        self._context = context

    def get_engine_information(self, format):
        text = self._engine._core.inspect()
        if format == LayerInformationFormat.JSON:
            return text
        return "\n".join(_one_line(layer) for layer in json.loads(text)["Layers"])

    def get_layer_information(self, layer_index, format):
        text = self._engine._core.inspect_layer(layer_index)
        return text if format == LayerInformationFormat.JSON else _one_line(json.loads(text))


def _one_line(layer):
    return f"{layer['Name']} [{layer['LayerType']}] on {layer['Device']}: {', '.join(layer['OnnxNodes'])}"


class IOutputAllocator:
    """Derive from it and define reallocate_output(tensor_name, memory, size, alignment) and notify_shape(tensor_name, shape)."""

    def __init__(self):
        pass

    def reallocate_output(self, tensor_name, memory, size, alignment):
        raise NotImplementedError

    def reallocate_output_async(self, tensor_name, memory, size, alignment, stream):
        return self.reallocate_output(tensor_name, memory, size, alignment)

    def notify_shape(self, tensor_name, shape):
        raise NotImplementedError


class IExecutionContext(Strict):
    """One thread at a time. Failures are lines in the log and False, as TensorRT does it."""
    name = ""
    nvtx_verbosity = property(lambda self: ProfilingVerbosity.NONE)
    error_recorder = property(lambda self: None)
    all_binding_shapes_specified = property(lambda self: True)
    all_shape_inputs_specified = property(lambda self: True)
    enqueue_emits_profile = True
    persistent_cache_limit = property(lambda self: 0, lambda self, v: no_effect(self._logger, "persistent_cache_limit", "there is no L2 cache to keep"))

    def __init__(self, engine, core):
        self._engine, self._core, self._logger = engine, core, engine._logger
        self._profiler = None
        self._core_profiler = None
        self._bound = None
        self._allocators = {}

    engine = property(lambda self: self._engine)

    @property
    def active_optimization_profile(self):
        return 0

    @active_optimization_profile.setter
    def active_optimization_profile(self, index):
        if index != 0:
            raise _core.OutOfRange(f"optimisation profile {index}: the engine has one, 0")

    @property
    def debug_sync(self):
        return False

    @debug_sync.setter
    def debug_sync(self, value):
        no_effect(self._logger, "IExecutionContext.debug_sync", "every layer's errors are reported as they happen")

    @property
    def profiler(self):
        return self._profiler

    @profiler.setter
    def profiler(self, value):
        self._core_profiler = None if value is None else _CoreProfiler(value)
        self._core.set_profiler(self._core_profiler)
        self._profiler = value

    def report_to_profiler(self):
        return True

    # Running

    def _attempt(self, action):
        try:
            action()
            return True
        except _core.CallbackError:
            raise
        except _core.Error as error:
            report(self._logger, error)
            return False

    def _bind(self, bindings):
        addresses = [int(address) for address in bindings]
        if addresses == self._bound:
            return
        rows = self._engine._tensors
        if len(addresses) != len(rows):
            raise _core.InvalidArgument(f"{len(addresses)} bindings for an engine with {len(rows)}")
        for row, address in zip(rows, addresses):
            self._core.set_tensor_address(row[0], address)
        self._bound = addresses

    def execute_v2(self, bindings):
        def run():
            self._bind(bindings)
            self._allocate_outputs(0)
            _state.default_stream().synchronize()
            self._core.execute()
            self._deliver_open()
        return self._attempt(run)

    def execute_async_v2(self, bindings, stream_handle, input_consumed=None):
        def run():
            self._bind(bindings)
            self._enqueue(stream_handle)
        return self._attempt(run)

    def execute_async_v3(self, stream_handle):
        return self._attempt(lambda: self._enqueue(stream_handle))

    def execute(self, batch_size=1, bindings=()):
        _one_batch(batch_size)
        return self.execute_v2(bindings)

    def execute_async(self, batch_size=1, bindings=(), stream_handle=0, input_consumed=None):
        _one_batch(batch_size)
        return self.execute_async_v2(bindings, stream_handle)

    def _allocate_outputs(self, stream_handle):
        """Outputs of known shape that have an allocator get their memory before the run."""
        for name, allocator in self._allocators.items():
            row = self._engine._row(name)
            if not row[4]:
                continue
            address = self._ask(allocator, name, row[4], stream_handle)
            if not address:
                raise _core.ResourceExhausted(f"output '{name}': its allocator gave no memory for {row[4]} bytes")
            self._core.set_tensor_address(name, address)
            call_back("IOutputAllocator.notify_shape", allocator.notify_shape, name, Dims(row[3]))

    def _ask(self, allocator, name, size, stream_handle):
        ask = getattr(allocator, "reallocate_output_async", None)
        arguments = (name, self._core.get_tensor_address(name), size, 256)
        if ask is None:
            return int(call_back("IOutputAllocator.reallocate_output", allocator.reallocate_output, *arguments) or 0)
        return int(call_back("IOutputAllocator.reallocate_output_async", ask, *arguments, int(stream_handle)) or 0)

    def _enqueue(self, stream_handle):
        self._allocate_outputs(stream_handle)
        self._core.enqueue(_state.stream(stream_handle))
        if any(not row[4] and not row[1] for row in self._engine._tensors):
            _state.stream(stream_handle).host(lambda: self._deliver_open(stream_handle))

    def _deliver_open(self, stream_handle=0):
        """Outputs whose shape only the run tells go to their allocator, or to the address that was set for them."""
        for name, is_input, _, _, size in self._engine._tensors:
            if is_input or size:
                continue
            array = self._core.open_output(name)
            allocator = self._allocators.get(name)
            if allocator is not None:
                address = self._ask(allocator, name, array.nbytes, stream_handle)
                call_back("IOutputAllocator.notify_shape", allocator.notify_shape, name, Dims(array.shape))
            else:
                address = self._core.get_tensor_address(name)
            if address:
                _state.device().check_range(address, max(array.nbytes, 1))
                _core.copy_bytes(address, array.ctypes.data, array.nbytes)

    # Tensors

    def set_tensor_address(self, name, memory):
        self._bound = None
        return self._attempt(lambda: self._core.set_tensor_address(name, int(memory)))

    def get_tensor_address(self, name):
        return self._core.get_tensor_address(name)

    def set_input_shape(self, name, shape):
        return self._attempt(lambda: self._core.set_input_shape(name, [int(d) for d in shape]))

    def get_tensor_shape(self, name):
        return Dims(self._core.output_shape(name))

    def get_tensor_strides(self, name):
        return _strides(self.get_tensor_shape(name))

    def get_max_output_size(self, name):
        return self._engine._row(name)[4]

    def set_output_allocator(self, name, output_allocator):
        if self._engine._row(name)[1]:
            report(self._logger, _core.InvalidArgument(f"set_output_allocator: '{name}' is an input"))
            return False
        if output_allocator is None:
            self._allocators.pop(name, None)
        else:
            self._allocators[name] = output_allocator
        return True

    def get_output_allocator(self, name):
        return self._allocators.get(name)

    def infer_shapes(self):
        return []

    def set_input_consumed_event(self, event):
        raise unsupported("IExecutionContext.set_input_consumed_event", "record an event on the stream after execute_async_v3")

    # Bindings

    def set_binding_shape(self, binding, shape):
        return self.set_input_shape(self._engine._row(binding)[0], shape)

    def get_binding_shape(self, binding):
        return self.get_tensor_shape(self._engine._row(binding)[0])

    def get_strides(self, binding):
        return _strides(self.get_binding_shape(binding))

    # Profiles

    def set_optimization_profile_async(self, profile_index, stream_handle):
        if profile_index != 0:
            report(self._logger, _core.OutOfRange(f"optimisation profile {profile_index}: the engine has one, 0"))
            return False
        return True


def _one_batch(batch_size):
    if batch_size != 1:
        raise _core.InvalidArgument(f"batch size {batch_size}: batches are explicit, in the network's dimensions")


def _strides(shape):
    strides = [1] * len(shape)
    for i in range(len(shape) - 2, -1, -1):
        strides[i] = strides[i + 1] * shape[i + 1]
    return Dims(strides)
