# SPDX-License-Identifier: Apache-2.0
"""A program's own allocators for device memory. They are asked for the memory of every execution context, of
ICudaEngine.device_memory_size bytes, and get it back when the context goes; the driver computes in memory of its own."""
import weakref

from .. import _core
from ..compat import _state
from ._basic import call_back, report
from ._enums import Enum


class AllocatorFlag(Enum):
    RESIZABLE = 0


class IGpuAllocator:
    """Derive from it and define allocate(size, alignment, flags) -> address and deallocate(memory) -> bool."""

    def __init__(self):
        pass

    def allocate(self, size, alignment, flags):
        raise NotImplementedError("allocate(size, alignment, flags)")

    def reallocate(self, address, alignment, new_size):
        return None

    def deallocate(self, memory):
        raise NotImplementedError("deallocate(memory)")

    def allocate_async(self, size, alignment, flags, stream):
        return self.allocate(size, alignment, flags)

    def deallocate_async(self, memory, stream):
        return self.deallocate(memory)


class IGpuAsyncAllocator(IGpuAllocator):
    """Derive from it and define allocate_async(size, alignment, flags, stream) and deallocate_async(memory, stream)."""

    def allocate(self, size, alignment, flags):
        return self.allocate_async(size, alignment, flags, 0)

    def deallocate(self, memory):
        return self.deallocate_async(memory, 0)

    def allocate_async(self, size, alignment, flags, stream):
        raise NotImplementedError("allocate_async(size, alignment, flags, stream)")

    def deallocate_async(self, memory, stream):
        raise NotImplementedError("deallocate_async(memory, stream)")


ALIGNMENT = 256


def checked(allocator):
    if allocator is not None and not (hasattr(allocator, "allocate") and hasattr(allocator, "deallocate")):
        raise TypeError(f"an IGpuAllocator is wanted, not {type(allocator).__name__}")
    return allocator


def _give_back(allocator, address, logger):
    try:
        call_back("IGpuAllocator.deallocate", allocator.deallocate, address)
    except _core.Error as error:
        report(logger, error)


def hold(allocator, size, owner, logger):
    """Memory of `size` bytes for as long as `owner` lives."""
    if allocator is None or size == 0:
        return
    address = int(call_back("IGpuAllocator.allocate", allocator.allocate, size, ALIGNMENT, 0) or 0)
    if not address:
        raise _core.ResourceExhausted(f"IGpuAllocator.allocate gave no memory for {size} bytes")
    _state.device().check_range(address, size)
    weakref.finalize(owner, _give_back, allocator, address, logger)
