# SPDX-License-Identifier: Apache-2.0
"""TensorRT's Python names, of TensorRT 8.4 to 10, over Medlar: `import medlar.tensorrt as trt`.

What is here is listed in docs/compat.md. What is not is an AttributeError or medlar.Unsupported that names it; settings that
mean nothing on a simulated device say so in the log.
"""
import os as _os

from ._allocator import AllocatorFlag, IGpuAllocator, IGpuAsyncAllocator
from ._basic import (Dims, Dims2, Dims3, Dims4, DimsHW, IHostMemory, ILogger, Logger, Permutation, Weights, bfloat16, bool, e8m0, float16,
                     float32, fp4, fp8, int4, int8, int32, int64, itemsize, nptype, uint8, volume)
from ._builder import Builder
from ._calibrator import IInt8Calibrator, IInt8EntropyCalibrator, IInt8EntropyCalibrator2, IInt8LegacyCalibrator, IInt8MinMaxCalibrator
from ._config import IBuilderConfig, IOptimizationProfile, IProgressMonitor, ITimingCache
from ._context import IExecutionContext, IOutputAllocator, IProfiler, Profiler
from ._engine import EngineInspector, ICudaEngine, IRuntimeConfig, ISerializationConfig
from ._enums import *  # noqa: F401,F403
from ._layers import *  # noqa: F401,F403
from ._network import INetworkDefinition
from ._parser import OnnxParser, ParserError
from ._plugins import (IPluginCreator, IPluginRegistry, get_builder_plugin_registry,
                       get_plugin_registry, init_libnvinfer_plugins)
from ._recorder import ErrorCodeTRT, IErrorRecorder
from ._runtime import Runtime
from ._stream import IStreamReader, IStreamReaderV2, IStreamWriter, SeekPosition

#: The version whose names and manners are nearest; later names are there as well.
__version__ = _os.environ.get("MEDLAR_TENSORRT_VERSION", "8.6.1")


def get_nv_onnx_parser_version():
    return 8006001


def __getattr__(name):
    raise AttributeError(f"medlar.tensorrt has no '{name}' (docs/compat.md lists what it has)")
