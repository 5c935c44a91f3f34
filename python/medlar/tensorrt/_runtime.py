# SPDX-License-Identifier: Apache-2.0
"""The runtime under TensorRT's Python names."""
from .. import _core
from ..compat import _state
from ._allocator import checked
from ._basic import core_logger, no_effect, unsupported
from ._engine import ICudaEngine
from ._enums import TempfileControlFlag
from ._plugins import get_plugin_registry
from ._recorder import Recording
from ._stream import read_all


class Runtime(Recording):
    max_threads = property(lambda self: 1, lambda self, v: no_effect(self._logger, "Runtime.max_threads", "loading uses one thread") or True)
    engine_host_code_allowed = property(lambda self: False, lambda self, v: no_effect(
        self._logger, "Runtime.engine_host_code_allowed", "engines hold no host code"))

    def __init__(self, logger):
        self._logger = core_logger(logger)
        self._core = _core.Runtime(self._logger, _state.device())
        self._gpu_allocator = None
        self._tempfiles = sum(1 << int(flag) for flag in TempfileControlFlag)
        self._folder = ""

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
            engine = self._made(ICudaEngine(self._core.deserialize(read_all(serialized_engine)), self._logger, self._core.dla_core))
            engine._gpu_allocator = self._gpu_allocator
            return engine
        except _core.CallbackError:
            raise
        except _core.Error as error:
            self._report(error)
            return None

    @property
    def gpu_allocator(self):
        return self._gpu_allocator

    @gpu_allocator.setter
    def gpu_allocator(self, allocator):
        """Asked for the memory of the contexts of engines that are loaded from now on."""
        self._gpu_allocator = checked(allocator)

    def _no_files(self, name, slot, value):
        object.__setattr__(self, slot, value)
        no_effect(self._logger, f"Runtime.{name}", "loading an engine writes no files")

    tempfile_control_flags = property(lambda self: self._tempfiles, lambda self, v: self._no_files("tempfile_control_flags", "_tempfiles", int(v)))
    temporary_directory = property(lambda self: self._folder, lambda self, v: self._no_files("temporary_directory", "_folder", v))

    def get_plugin_registry(self):
        return get_plugin_registry()

    def load_runtime(self, path):
        raise unsupported("Runtime.load_runtime", "there are no lean runtimes")
