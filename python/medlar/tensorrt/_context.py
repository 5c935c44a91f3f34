# SPDX-License-Identifier: Apache-2.0
"""Execution contexts under TensorRT's Python names, of TensorRT 8.4 (bindings) to 10 (tensors)."""
from .. import _core
from ..compat import _state
from ._allocator import checked
from ._basic import Dims, call_back, no_effect, unsupported
from ._enums import ProfilingVerbosity
from ._recorder import Recording


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


class IExecutionContext(Recording):
    """One thread at a time. Failures are lines in the log and False, as TensorRT does it."""
    name = ""
    nvtx_verbosity = property(lambda self: ProfilingVerbosity.NONE)
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
        self._memory_missing = False  # of a context that was made without
        self._memory = 0
        self._temporary = None
        self._consumed = 0

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
            self._report(error)
            return False

    def _check_memory(self):
        if self._memory_missing:
            raise _core.InvalidArgument(f"the context was made without device memory and has got none: it needs {self._engine.device_memory_size} bytes")

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
            self._enqueue(stream_handle, input_consumed)
        return self._attempt(run)

    def execute_async_v3(self, stream_handle):
        return self._attempt(lambda: self._enqueue(stream_handle, self._consumed))

    def execute(self, batch_size=1, bindings=()):
        _one_batch(batch_size)
        return self.execute_v2(bindings)

    def execute_async(self, batch_size=1, bindings=(), stream_handle=0, input_consumed=None):
        _one_batch(batch_size)
        return self.execute_async_v2(bindings, stream_handle, input_consumed)

    def _allocate_outputs(self, stream_handle):
        """Outputs of known shape that have an allocator get their memory before the run."""
        self._check_memory()
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

    def _enqueue(self, stream_handle, consumed=None):
        self._allocate_outputs(stream_handle)
        self._core.enqueue(_state.stream(stream_handle))
        if any(not row[4] and not row[1] for row in self._engine._tensors):
            _state.stream(stream_handle).host(lambda: self._deliver_open(stream_handle))
        if consumed:
            event = consumed._core if hasattr(consumed, "_core") else _state.event(consumed)
            event.record(_state.stream(stream_handle))

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
            self._report(_core.InvalidArgument(f"set_output_allocator: '{name}' is an input"))
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

    # Memory that the program brings

    @property
    def device_memory(self):
        return self._memory

    @device_memory.setter
    def device_memory(self, address):
        self.set_device_memory(address, self._engine.device_memory_size)

    def set_device_memory(self, memory, size):
        """Checked to be device memory of at least device_memory_size bytes; the driver computes in memory of its own."""
        need = self._engine.device_memory_size
        if int(size) < need:
            raise _core.InvalidArgument(f"device memory of {int(size)} bytes: the context needs {need}")
        if need:
            _state.device().check_range(int(memory), int(size))
        self._memory, self._memory_missing = int(memory), False
        no_effect(self._logger, "IExecutionContext.device_memory", "the driver computes in memory of its own")

    def update_device_memory_size_for_shapes(self):
        return self._engine.device_memory_size

    @property
    def temporary_allocator(self):
        return self._temporary

    @temporary_allocator.setter
    def temporary_allocator(self, allocator):
        self._temporary = checked(allocator)
        no_effect(self._logger, "IExecutionContext.temporary_allocator", "a run allocates nothing")

    def set_aux_streams(self, aux_streams):
        no_effect(self._logger, "IExecutionContext.set_aux_streams", "a context uses the stream that it is given")

    # Shape tensors and debug tensors, of which engines have none

    def get_shape(self, binding):
        self._engine._row(binding)
        return []

    def set_shape_input(self, binding, shape):
        raise _core.InvalidArgument(f"binding {self._engine._row(binding)[0]!r} is no shape tensor: its address says where it lies")

    def set_tensor_debug_state(self, name, flag):
        self._engine._row(name)
        return False

    def get_debug_state(self, name):
        self._engine._row(name)
        return False

    def set_all_tensors_debug_state(self, flag):
        return True

    def set_debug_listener(self, listener):
        raise unsupported("IExecutionContext.set_debug_listener", "mark the tensor as an output")

    def get_debug_listener(self):
        return None

    def set_input_consumed_event(self, event):
        """Recorded once the run is done: the inputs are free then at the latest."""
        number = int(event or 0)
        if number:
            _state.event(number)
        self._consumed = number
        return True

    def get_input_consumed_event(self):
        return self._consumed

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
            self._report(_core.OutOfRange(f"optimisation profile {profile_index}: the engine has one, 0"))
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
