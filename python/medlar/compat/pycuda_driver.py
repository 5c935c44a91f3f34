# SPDX-License-Identifier: Apache-2.0
"""Names of pycuda.driver over the simulated module."""
import numpy as np

from .. import _core
from . import _state


class Error(Exception):
    pass


class LogicError(Error):
    pass


class MemoryError(Error):
    pass


class RuntimeError(Error):
    pass


class LaunchError(Error):
    pass


def _checked(call, *arguments):
    """Runs a call of the core; its errors come out as PyCUDA's."""
    try:
        return call(*arguments)
    except _core.ResourceExhausted as error:
        raise MemoryError(f"cuMemAlloc failed: out of memory ({error})") from error
    except _core.Error as error:
        raise LogicError(str(error)) from error


# --- Devices and contexts

class device_attribute:
    COMPUTE_CAPABILITY_MAJOR = 75
    COMPUTE_CAPABILITY_MINOR = 76
    MULTIPROCESSOR_COUNT = 16
    INTEGRATED = 18


class ctx_flags:
    SCHED_AUTO = 0
    SCHED_SPIN = 1
    SCHED_YIELD = 2
    SCHED_BLOCKING_SYNC = 4
    MAP_HOST = 8


class event_flags:
    DEFAULT = 0
    BLOCKING_SYNC = 1
    DISABLE_TIMING = 2


class host_alloc_flags:
    PORTABLE = 1
    DEVICEMAP = 2
    WRITECOMBINED = 4


class mem_attach_flags:
    GLOBAL = 1
    HOST = 2
    SINGLE = 4


class Context:
    """There is one device and one address space: contexts are a stack of handles on them."""
    _stack = []

    def __init__(self, device):
        self._device = device

    def push(self):
        Context._stack.append(self)

    @staticmethod
    def pop():
        if not Context._stack:
            raise LogicError("context stack is empty: cannot pop")
        Context._stack.pop()

    def detach(self):
        if self in Context._stack:
            Context._stack.remove(self)

    @staticmethod
    def get_current():
        return Context._stack[-1] if Context._stack else None

    @staticmethod
    def get_device():
        return Device(0)

    @staticmethod
    def synchronize():
        _checked(_state.synchronize_all)

    @staticmethod
    def get_api_version():
        return 12000

    def __enter__(self):
        self.push()
        return self

    def __exit__(self, *_):
        Context.pop()


class Device:
    def __init__(self, number):
        if number != 0:
            raise LogicError(f"cuDeviceGet failed: invalid device ordinal {number}: there is one device")
        self._number = number

    @staticmethod
    def count():
        return 1

    def name(self):
        return f"Medlar {_state.device().name} ({_state.device().label})"

    def compute_capability(self):
        return (8, 7)

    def total_memory(self):
        return _state.device().memory[0]

    def pci_bus_id(self):
        return "0000:00:00.0"

    def get_attribute(self, attribute):
        known = {device_attribute.COMPUTE_CAPABILITY_MAJOR: 8, device_attribute.COMPUTE_CAPABILITY_MINOR: 7, device_attribute.INTEGRATED: 1}
        if attribute not in known:
            raise LogicError(f"device attribute {attribute} is not known")
        return known[attribute]

    def make_context(self, flags=0):
        context = Context(self)
        context.push()
        return context

    def retain_primary_context(self):
        return Context(self)


def init(flags=0):
    """Boots the simulated module."""
    _checked(_state.device)


def get_version():
    return (12, 0, 0)


def get_driver_version():
    return 12000


def mem_get_info():
    total, used = _state.device().memory
    return total - used, total


# --- Memory

class DeviceAllocation:
    """Memory of the module; int() is its address. Freed with its last reference."""

    def __init__(self, size):
        self._address = _checked(_state.allocate, size)
        self.size = int(size)

    def free(self):
        if self._address is None:
            raise LogicError("the allocation is already freed")
        address, self._address = self._address, None
        _checked(_state.free, address)

    def as_buffer(self, size, offset=0):
        return _state.buffer_at(int(self)).array(5, [size], offset).data

    def __int__(self):
        if self._address is None:
            raise LogicError("the allocation is freed")
        return self._address

    __index__ = __int__

    def __long__(self):
        return int(self)

    def __eq__(self, other):
        return self is other or (_state.is_address(other) and int(self) == int(other))

    def __hash__(self):
        return id(self)

    def __add__(self, offset):
        return int(self) + offset

    def __del__(self):
        try:
            if self._address is not None:
                self.free()
        except Exception:  # the interpreter is going down
            pass


class PooledDeviceAllocation(DeviceAllocation):
    pass


def mem_alloc(nbytes):
    return DeviceAllocation(nbytes)


def mem_alloc_like(array):
    return DeviceAllocation(array.nbytes)


def to_device(buffer):
    _, size, _ = _state.host_range(buffer)
    allocation = DeviceAllocation(size)
    memcpy_htod(allocation, buffer)
    return allocation


def from_device(address, shape, dtype, order="C"):
    array = np.empty(shape, dtype, order)
    memcpy_dtoh(array, address)
    return array


def from_device_like(address, other):
    return from_device(address, other.shape, other.dtype)


def pagelocked_empty(shape, dtype, order="C", mem_flags=0):
    return _checked(_state.pinned_array, shape, dtype)


def pagelocked_zeros(shape, dtype, order="C", mem_flags=0):
    return pagelocked_empty(shape, dtype)


def pagelocked_empty_like(array, mem_flags=0):
    return pagelocked_empty(array.shape, array.dtype)


def pagelocked_zeros_like(array, mem_flags=0):
    return pagelocked_empty(array.shape, array.dtype)


def managed_empty(shape, dtype, order="C", mem_flags=0):
    return pagelocked_empty(shape, dtype)


managed_zeros = managed_empty
aligned_empty = pagelocked_empty
aligned_zeros = pagelocked_zeros


def register_host_memory(array, flags=0):
    """The array as it is: every copy is as fast as one of pinned memory."""
    return array


def _device_range(address, size):
    number = int(address)
    _checked(_state.device().check_range, number, size)
    return number


def _handle(stream):
    return None if stream is None else stream.handle


def memcpy_htod(dest, src):
    _htod(dest, src, None)


def memcpy_htod_async(dest, src, stream=None):
    _htod(dest, src, 0 if stream is None else stream.handle)


def _htod(dest, src, handle):
    address, size, kept = _state.host_range(src)
    to = _device_range(dest, size)
    _checked(_state.copy, to, address, size, handle, (kept, dest, _state.buffer_at(to)))


def memcpy_dtoh(dest, src):
    _dtoh(dest, src, None)


def memcpy_dtoh_async(dest, src, stream=None):
    _dtoh(dest, src, 0 if stream is None else stream.handle)


def _dtoh(dest, src, handle):
    address, size, kept = _state.host_range(dest, writable=True)
    source = _device_range(src, size)
    _checked(_state.copy, address, source, size, handle, (kept, src, _state.buffer_at(source)))


def memcpy_dtod(dest, src, size):
    _checked(_state.copy, _device_range(dest, size), _device_range(src, size), size)


def memcpy_dtod_async(dest, src, size, stream=None):
    _checked(_state.copy, _device_range(dest, size), _device_range(src, size), size, 0 if stream is None else stream.handle, (dest, src))


def memset_d8(dest, data, count):
    _state.stream(0).synchronize()
    _core.fill_bytes(_device_range(dest, count), data & 0xFF, count)


def memset_d16(dest, data, count):
    memcpy_htod(dest, np.full(count, data, np.uint16))


def memset_d32(dest, data, count):
    memcpy_htod(dest, np.full(count, data, np.uint32))


# --- Streams and events

class Stream:
    def __init__(self, flags=0):
        self.handle = _checked(_state.new_stream)

    def synchronize(self):
        _checked(_state.synchronize, self.handle)

    def is_done(self):
        return _checked(_state.stream, self.handle).done

    def wait_for_event(self, event):
        _checked(_state.stream(self.handle).wait, event._core)

    @property
    def ptr(self):
        return self.handle

    def __int__(self):
        return self.handle

    def __del__(self):
        try:
            _state.destroy_stream(self.handle)
        except Exception:  # the interpreter is going down, or the stream's work failed unseen
            pass


class Event:
    """Times between events are modelled device time, in milliseconds."""

    def __init__(self, flags=0):
        self._core = _checked(_state.device().create_event)

    def record(self, stream=None):
        _checked(self._core.record, _state.stream(0 if stream is None else stream.handle))
        return self

    def synchronize(self):
        _checked(self._core.synchronize)
        return self

    def query(self):
        return self._core.done

    def time_since(self, event):
        return _checked(self._core.modelled_ms_since, event._core)

    def time_till(self, event):
        return event.time_since(self)


def __getattr__(name):
    raise AttributeError(f"medlar.compat's pycuda.driver has no '{name}' (docs/compat.md lists what it has)")
