# SPDX-License-Identifier: Apache-2.0
"""How to build: config, optimisation profile and what belongs to them, under TensorRT's Python names."""
from ._basic import Dims, IHostMemory, Strict, no_effect, unsupported
from ._enums import BuilderFlag, DeviceType, EngineCapability, HardwareCompatibilityLevel, MemoryPoolType, ProfilingVerbosity, RuntimePlatform, TilingOptimizationLevel
from ._network import ILayer, dims
from .. import _core


class IOptimizationProfile(Strict):
    """The DLA runs one shape: min, opt and max must be equal."""
    extra_memory_target = property(lambda self: 1.0)

    def __init__(self):
        self._core = _core.OptimizationProfile()

    def set_shape(self, input, min, opt, max):
        self._core.set_shape(input, dims(min), dims(opt), dims(max))

    def get_shape(self, input):
        shape = self._core.shapes().get(input)
        return [] if shape is None else [Dims(shape)] * 3

    def get_shape_input(self, input):
        return []  # no input is a shape tensor

    def set_shape_input(self, input, min, opt, max):
        raise unsupported("IOptimizationProfile.set_shape_input")

    def __bool__(self):
        return True


class ITimingCache(Strict):
    """Builds here time nothing: a cache is empty and stays so."""

    def serialize(self):
        return IHostMemory()

    def combine(self, input_cache, ignore_mismatch):
        return True

    def reset(self):
        return True


class IProgressMonitor:
    """Derive from it and define the three methods; step_complete returns False to stop the build."""

    def __init__(self):
        pass

    def phase_start(self, phase_name, parent_phase, num_steps):
        raise NotImplementedError

    def step_complete(self, phase_name, step):
        raise NotImplementedError

    def phase_finish(self, phase_name):
        raise NotImplementedError


def _setting(name, default, why):
    """A setting of TensorRT's that changes nothing here: kept, and said so in the log."""
    slot = "_" + name

    def get(self):
        return getattr(self, slot, default)

    def put(self, value):
        object.__setattr__(self, slot, value)
        no_effect(self._logger, f"IBuilderConfig.{name}", why)
    return property(get, put)


_NO_TIMING = "builds time nothing"
_REFUSED = {
    BuilderFlag.VERSION_COMPATIBLE: "engines belong to one version of libmedlar",
    BuilderFlag.EXCLUDE_LEAN_RUNTIME: "there is no lean runtime",
    BuilderFlag.FP8: "the DLA computes in FP16 and INT8",
    BuilderFlag.BF16: "the DLA computes in FP16 and INT8",
    BuilderFlag.INT4: "the DLA computes in FP16 and INT8",
    BuilderFlag.FP4: "the DLA computes in FP16 and INT8",
    BuilderFlag.STRIP_PLAN: "engines are compiled with their weights",
    BuilderFlag.REFIT_IDENTICAL: "engines cannot be refitted, build again",
    BuilderFlag.REFIT_INDIVIDUAL: "engines cannot be refitted, build again",
    BuilderFlag.STRICT_NANS: "the DLA saturates",
}
_IDLE = {
    BuilderFlag.ENABLE_TACTIC_HEURISTIC: _NO_TIMING,
    BuilderFlag.ERROR_ON_TIMING_CACHE_MISS: _NO_TIMING,
    BuilderFlag.EDITABLE_TIMING_CACHE: _NO_TIMING,
    BuilderFlag.DISABLE_COMPILATION_CACHE: "no kernels are compiled",
    BuilderFlag.WEIGHT_STREAMING: "no weights of an engine are streamable",
    BuilderFlag.MONITOR_MEMORY: "the memory map of an engine is in its inspector and report",
    BuilderFlag.DISTRIBUTIVE_INDEPENDENCE: "batches are explicit and computed alike",
    BuilderFlag.REQUIRE_USER_ALLOCATION: "a run allocates nothing",
}


class IBuilderConfig(Strict):
    def __init__(self, core, logger):
        self._core, self._logger = core, logger
        self._idle_flags = set()
        self._calibrator = None
        self._monitor = None
        self._profiles = []

    profiling_verbosity = _setting("profiling_verbosity", ProfilingVerbosity.LAYER_NAMES_ONLY, "engines always keep all names")
    avg_timing_iterations = _setting("avg_timing_iterations", 1, _NO_TIMING)
    min_timing_iterations = _setting("min_timing_iterations", 1, _NO_TIMING)
    builder_optimization_level = _setting("builder_optimization_level", 3, _NO_TIMING)
    hardware_compatibility_level = _setting("hardware_compatibility_level", HardwareCompatibilityLevel.NONE, "engines belong to one device")
    max_aux_streams = _setting("max_aux_streams", 0, "a context uses the stream that it is given")
    quantization_flags = _setting("quantization_flags", 0, "calibration always watches the network before fusion")
    profile_stream = _setting("profile_stream", 0, _NO_TIMING)
    tiling_optimization_level = _setting("tiling_optimization_level", TilingOptimizationLevel.NONE, _NO_TIMING)
    l2_limit_for_tiling = _setting("l2_limit_for_tiling", -1, "there is no L2 cache")
    max_num_tactics = _setting("max_num_tactics", -1, _NO_TIMING)

    # Flags

    def set_flag(self, flag):
        flag = BuilderFlag(flag)
        if flag in _REFUSED:
            raise unsupported(f"BuilderFlag.{flag.name}", _REFUSED[flag])
        if flag in _IDLE:
            self._idle_flags.add(flag)
            no_effect(self._logger, f"BuilderFlag.{flag.name}", _IDLE[flag])
            return
        self._core.set_flag(int(flag))

    def clear_flag(self, flag):
        self._idle_flags.discard(flag)
        if flag not in _REFUSED and flag not in _IDLE:
            self._core.clear_flag(int(flag))

    def get_flag(self, flag):
        return flag in self._idle_flags or (flag not in _REFUSED and flag not in _IDLE and self._core.get_flag(int(flag)))

    @property
    def flags(self):
        return self._core.flags | sum(1 << int(flag) for flag in self._idle_flags)

    @flags.setter
    def flags(self, bits):
        for flag in BuilderFlag:
            if bits >> int(flag) & 1:
                self.set_flag(flag)
            else:
                self.clear_flag(flag)

    def set_quantization_flag(self, flag):
        self.quantization_flags = self.quantization_flags | 1 << int(flag)

    def clear_quantization_flag(self, flag):
        self.quantization_flags = self.quantization_flags & ~(1 << int(flag))

    def get_quantization_flag(self, flag):
        return bool(self.quantization_flags >> int(flag) & 1)

    def set_preview_feature(self, feature, enable):
        no_effect(self._logger, f"preview feature {feature}", "there are none here")

    def get_preview_feature(self, feature):
        return False

    # Devices

    @property
    def default_device_type(self):
        return DeviceType(self._core.default_device_type)

    @default_device_type.setter
    def default_device_type(self, value):
        self._core.default_device_type = int(DeviceType(value))

    @property
    def DLA_core(self):
        return self._core.dla_core

    @DLA_core.setter
    def DLA_core(self, value):
        self._core.dla_core = int(value)

    def set_device_type(self, layer, device_type):
        self._core.set_device_type(_layer(layer), int(DeviceType(device_type)))

    def get_device_type(self, layer):
        return DeviceType(self._core.get_device_type(_layer(layer)))

    def is_device_type_set(self, layer):
        return self._core.is_device_type_set(_layer(layer))

    def reset_device_type(self, layer):
        self._core.reset_device_type(_layer(layer))

    def can_run_on_DLA(self, layer):
        return self._core.can_run_on_dla(_layer(layer))

    # Memory

    @property
    def max_workspace_size(self):
        return self._core.get_memory_pool_limit(int(MemoryPoolType.WORKSPACE))

    @max_workspace_size.setter
    def max_workspace_size(self, value):
        self._core.set_memory_pool_limit(int(MemoryPoolType.WORKSPACE), int(value))

    def set_memory_pool_limit(self, pool, pool_size):
        self._core.set_memory_pool_limit(int(pool), int(pool_size))

    def get_memory_pool_limit(self, pool):
        return self._core.get_memory_pool_limit(int(pool))

    # Calibration, profiles, progress

    @property
    def int8_calibrator(self):
        return self._calibrator

    @int8_calibrator.setter
    def int8_calibrator(self, value):
        if value is not None and not hasattr(value, "get_batch"):
            raise TypeError(f"a calibrator is wanted, not {type(value).__name__}")
        self._calibrator = value

    def set_calibration_profile(self, profile):
        self._add_shapes(profile)
        return True

    def get_calibration_profile(self):
        return self._profiles[0] if self._profiles else None

    def _add_shapes(self, profile):
        if self._profiles and self._profiles[0]._core.shapes() != profile._core.shapes():
            raise unsupported("a calibration profile with other shapes than the optimisation profile", "the DLA runs one shape")
        if not self._profiles:
            self._core.add_optimization_profile(profile._core)
            self._profiles.append(profile)

    def add_optimization_profile(self, profile):
        if self._profiles and self._profiles[0]._core.shapes() == profile._core.shapes():
            return 0
        self._core.add_optimization_profile(profile._core)
        self._profiles.append(profile)
        return len(self._profiles) - 1

    @property
    def num_optimization_profiles(self):
        return self._core.num_optimization_profiles

    @property
    def progress_monitor(self):
        return self._monitor

    @progress_monitor.setter
    def progress_monitor(self, monitor):
        self._monitor = monitor

    def _progress(self):
        monitor, phases = self._monitor, {}
        if monitor is None:
            return None

        def step(what, done, total):
            if what not in phases:
                phases[what] = total
                monitor.phase_start(what, None, total)
            going = monitor.step_complete(what, done - 1)
            if done >= total:
                monitor.phase_finish(what)
            return going is not False
        return step

    # Capability, caches, plugins

    @property
    def engine_capability(self):
        return getattr(self, "_capability", EngineCapability.STANDARD)

    @engine_capability.setter
    def engine_capability(self, value):
        if value == EngineCapability.SAFETY:
            raise unsupported("EngineCapability.SAFETY", "there is no safety runtime")
        if value == EngineCapability.DLA_STANDALONE:
            raise unsupported("EngineCapability.DLA_STANDALONE", "medlar build --no-fallback writes an engine whose one segment is an NVDLA loadable")
        object.__setattr__(self, "_capability", value)

    @property
    def runtime_platform(self):
        return RuntimePlatform.SAME_AS_BUILD

    @runtime_platform.setter
    def runtime_platform(self, value):
        if value != RuntimePlatform.SAME_AS_BUILD:
            raise unsupported(f"RuntimePlatform.{RuntimePlatform(value).name}", "engines run where libmedlar does")

    @property
    def plugins_to_serialize(self):
        return []

    @plugins_to_serialize.setter
    def plugins_to_serialize(self, libraries):
        if list(libraries):
            raise unsupported("IBuilderConfig.plugins_to_serialize", "plugins are code for a GPU")

    @property
    def algorithm_selector(self):
        return None

    @algorithm_selector.setter
    def algorithm_selector(self, value):
        if value is not None:
            raise unsupported("IBuilderConfig.algorithm_selector", "there is one algorithm for every layer")

    def create_timing_cache(self, serialized_timing_cache=b""):
        return ITimingCache()

    def set_timing_cache(self, cache, ignore_mismatch):
        no_effect(self._logger, "a timing cache", _NO_TIMING)
        return True

    def get_timing_cache(self):
        return ITimingCache()

    def set_tactic_sources(self, tactic_sources):
        no_effect(self._logger, "IBuilderConfig.set_tactic_sources", _NO_TIMING)
        return True

    def get_tactic_sources(self):
        return 0

    def reset(self):
        raise unsupported("IBuilderConfig.reset", "create another config")


def _layer(layer):
    if not isinstance(layer, ILayer):
        raise TypeError(f"a layer is wanted, not {type(layer).__name__}")
    return layer._core
