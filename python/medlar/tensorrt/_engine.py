# SPDX-License-Identifier: Apache-2.0
"""Engines under TensorRT's Python names, of TensorRT 8.4 (bindings) to 10 (tensors)."""
import json
import operator

import numpy as np

from .. import _core
from . import _allocator
from ._basic import DataType, Dims, IHostMemory, Strict, nptype, unsupported
from ._context import IExecutionContext
from ._enums import (EngineCapability, EngineStat, ExecutionContextAllocationStrategy, HardwareCompatibilityLevel, LayerInformationFormat,
                     ProfilingVerbosity, SerializationFlag, TensorFormat, TensorIOMode, TensorLocation)
from ._recorder import Recording


class ISerializationConfig(Strict):
    """How to write an engine: always with its weights."""

    def __init__(self):
        self._flags = 0

    @property
    def flags(self):
        return self._flags

    @flags.setter
    def flags(self, bits):
        for flag in SerializationFlag:
            if int(bits) >> int(flag) & 1:
                self.set_flag(flag)
            else:
                self.clear_flag(flag)

    def set_flag(self, flag):
        flag = SerializationFlag(flag)
        if flag == SerializationFlag.EXCLUDE_WEIGHTS:
            raise unsupported("SerializationFlag.EXCLUDE_WEIGHTS", "engines are compiled with their weights")
        self._flags |= 1 << int(flag)
        return True

    def clear_flag(self, flag):
        self._flags &= ~(1 << int(SerializationFlag(flag)))
        return True

    def get_flag(self, flag):
        return bool(self._flags >> int(SerializationFlag(flag)) & 1)


class IRuntimeConfig(Strict):
    """How to make a context."""

    def __init__(self):
        self._strategy = ExecutionContextAllocationStrategy.STATIC

    def set_execution_context_allocation_strategy(self, strategy):
        self._strategy = ExecutionContextAllocationStrategy(strategy)

    def get_execution_context_allocation_strategy(self):
        return self._strategy

    execution_context_allocation_strategy = property(get_execution_context_allocation_strategy, set_execution_context_allocation_strategy)


def _no_budget(self, value):
    if value not in (0, -1):
        raise unsupported(f"a weight streaming budget of {value}", "no weights of an engine are streamable")


class ICudaEngine(Recording):
    """`engine[i]` is the name of binding i, `engine[name]` its index; iteration goes over names."""

    def __init__(self, core, logger, dla_core):
        self._core, self._logger, self._dla_core = core, logger, dla_core
        self._gpu_allocator = None
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
    hardware_compatibility_level = property(lambda self: HardwareCompatibilityLevel.NONE)

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

    # Weights stay with the device: none are streamed

    streamable_weights_size = property(lambda self: 0)
    weight_streaming_budget = property(lambda self: 0, _no_budget)
    weight_streaming_budget_v2 = property(lambda self: 0, _no_budget)
    minimum_weight_streaming_budget = property(lambda self: 0)
    weight_streaming_scratch_memory_size = property(lambda self: 0)

    def get_weight_streaming_automatic_budget(self):
        return 0

    # The rest

    def is_debug_tensor(self, name):
        self._row(name)
        return False

    def get_aliased_input_tensor(self, name):
        self._row(name)
        return None

    def get_engine_stat(self, stat):
        sizes = {EngineStat.TOTAL_WEIGHTS_SIZE: self._core.device_memory_bytes, EngineStat.STRIPPED_WEIGHTS_SIZE: 0}
        return sizes[EngineStat(stat)]

    def serialize(self):
        return IHostMemory(self._core.serialize())

    def create_serialization_config(self):
        return ISerializationConfig()

    def serialize_with_config(self, config):
        if not isinstance(config, ISerializationConfig):
            raise TypeError(f"an ISerializationConfig is wanted, not {type(config).__name__}")
        return self.serialize()

    def create_runtime_config(self):
        return IRuntimeConfig()

    def create_execution_context(self, strategy=ExecutionContextAllocationStrategy.STATIC):
        """`strategy`: an allocation strategy, or an IRuntimeConfig that holds one. USER_MANAGED waits for set_device_memory()."""
        if isinstance(strategy, IRuntimeConfig):
            strategy = strategy.execution_context_allocation_strategy
        try:
            context = self._made(IExecutionContext(self, self._core.create_context(self._dla_core)))
            if strategy == ExecutionContextAllocationStrategy.USER_MANAGED:
                context._memory_missing = self.device_memory_size > 0
            else:
                _allocator.hold(self._gpu_allocator, self.device_memory_size, context, self._logger)
            return context
        except _core.CallbackError:
            raise
        except _core.Error as error:
            self._report(error)
            return None

    def create_execution_context_without_device_memory(self):
        """A context that runs once it has got device_memory_size bytes: `context.device_memory = address`."""
        return self.create_execution_context(ExecutionContextAllocationStrategy.USER_MANAGED)

    def create_engine_inspector(self):
        return self._made(EngineInspector(self))


class EngineInspector(Recording):

    def __init__(self, engine):
        self._engine, self._logger = engine, engine._logger
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
