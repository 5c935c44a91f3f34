# SPDX-License-Identifier: Apache-2.0
"""The builder under TensorRT's Python names."""
import os

from .. import _core
from ._allocator import checked
from ._basic import IHostMemory, core_logger, no_effect, unsupported
from ._calibrator import CoreCalibrator
from ._config import IBuilderConfig, IOptimizationProfile
from ._enums import BuilderFlag, DeviceType, NetworkDefinitionCreationFlag
from ._network import INetworkDefinition
from ._plugins import get_plugin_registry
from ._recorder import Recording
from ._runtime import Runtime
from ._stream import write_all


def _check_types(network, config):
    """A strongly typed network computes in the types that it states: nothing may choose others, and the DLA has no float32."""
    if not network.get_flag(NetworkDefinitionCreationFlag.STRONGLY_TYPED):
        return
    for flag in (BuilderFlag.FP16, BuilderFlag.INT8):
        if config.get_flag(flag):
            raise _core.InvalidArgument(f"BuilderFlag.{flag.name}: the network is strongly typed")
    if config.default_device_type == DeviceType.DLA or any(
            config.is_device_type_set(layer) and config.get_device_type(layer) == DeviceType.DLA for layer in network):
        raise unsupported("the DLA for a strongly typed network", "create the network without STRONGLY_TYPED and set BuilderFlag.FP16 or INT8")


def _check_pair(network, config):
    for thing, kind in ((network, INetworkDefinition), (config, IBuilderConfig)):
        if not isinstance(thing, kind):
            raise TypeError(f"a trt.{kind.__name__} is wanted, not {type(thing).__name__}")


class Builder(Recording):
    max_batch_size = property(lambda self: 1, lambda self, v: no_effect(self._logger, "Builder.max_batch_size", "batches are explicit"))
    max_threads = property(lambda self: os.cpu_count() or 1,
                           lambda self, v: no_effect(self._logger, "Builder.max_threads", "builds use what the machine has") or True)
    platform_has_fast_fp16 = property(lambda self: True)
    platform_has_fast_int8 = property(lambda self: True)
    platform_has_tf32 = property(lambda self: False)
    max_DLA_batch_size = property(lambda self: 1)

    def __init__(self, logger):
        self._logger = core_logger(logger)
        self._core = _core.Builder(self._logger)
        self._gpu_allocator = None

    logger = property(lambda self: self._logger.target)
    num_DLA_cores = property(lambda self: self._core.num_dla_cores)

    def create_network(self, flags=0):
        return self._made(INetworkDefinition(self._core.create_network(), self._logger, flags, self))

    def create_builder_config(self):
        return IBuilderConfig(self._core.create_config(), self._logger)

    def create_optimization_profile(self):
        return IOptimizationProfile()

    def build_serialized_network(self, network, config):
        """The engine as IHostMemory; None when it cannot be built (the logger says why). What a callback of yours raises
        comes out as medlar.CallbackError."""
        _check_pair(network, config)
        try:
            _check_types(network, config)
            calibrator = CoreCalibrator(config._calibrator, network._core) if config._calibrator is not None else None
            config._core.device = _core.Device.default_name()
            config._core.set_calibrator(calibrator)
            config._core.set_progress(config._progress())
            return IHostMemory(self._core.build(network._core, config._core))
        except _core.CallbackError:
            raise
        except _core.Error as error:
            self._report(error, network)
            return None
        finally:
            config._core.set_progress(None)
            config._core.set_calibrator(None)

    def build_serialized_network_to_stream(self, network, config, writer):
        """True when the engine was built and `writer` (an IStreamWriter) took all of it."""
        plan = self.build_serialized_network(network, config)
        return plan is not None and write_all(writer, plan)

    def build_engine(self, network, config):
        plan = self.build_serialized_network(network, config)
        if plan is None:
            return None
        runtime = self._made(Runtime(self._logger))
        runtime.gpu_allocator = self._gpu_allocator
        return runtime.deserialize_cuda_engine(plan)

    def build_engine_with_config(self, network, config):
        return self.build_engine(network, config)

    def build_cuda_engine(self, network):
        raise unsupported("Builder.build_cuda_engine", "build_engine(network, config)")

    def is_network_supported(self, network, config):
        _check_pair(network, config)
        try:
            self._core.check(network._core, config._core)
            return True
        except _core.Error as error:
            self._report(error, network)
            return False

    @property
    def gpu_allocator(self):
        return self._gpu_allocator

    @gpu_allocator.setter
    def gpu_allocator(self, allocator):
        """A build needs no device memory; the engines of build_engine() take the allocator along."""
        self._gpu_allocator = checked(allocator)

    def get_plugin_registry(self):
        return get_plugin_registry()

    def reset(self):
        pass
