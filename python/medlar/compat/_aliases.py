# SPDX-License-Identifier: Apache-2.0
"""Import names of NVIDIA's packages, answered by this package's modules."""
import importlib
import importlib.abc
import importlib.util
import sys
import types

from . import cudart_library

_TARGETS = {
    "tensorrt": "medlar.tensorrt",
    "pycuda.driver": "medlar.compat.pycuda_driver",
    "pycuda.autoinit": "medlar.compat.pycuda_autoinit",
    "pycuda.autoprimaryctx": "medlar.compat.pycuda_autoinit",
    "pycuda.gpuarray": "medlar.compat.pycuda_gpuarray",
    "pycuda.tools": "medlar.compat.pycuda_tools",
    "cuda.cudart": "medlar.compat.cudart",
    "cuda.cuda": "medlar.compat.cuda_driver",
    "cuda.nvrtc": "medlar.compat.nvrtc",
    "cuda.bindings.nvrtc": "medlar.compat.nvrtc",
    "cuda.bindings.runtime": "medlar.compat.cudart",
    "cuda.bindings.driver": "medlar.compat.cuda_driver",
}
_PACKAGES = {"pycuda": "2024.1", "cuda": "12.6.0", "cuda.bindings": "12.6.0"}


class _Package(importlib.abc.Loader):
    """An empty package whose submodules are aliases."""

    def create_module(self, spec):
        return types.ModuleType(spec.name)

    def exec_module(self, module):
        module.__path__ = []
        module.__version__ = _PACKAGES[module.__name__]
        if module.__name__ == "pycuda":
            module.VERSION = (2024, 1)
            module.VERSION_TEXT = "2024.1"


class _Alias(importlib.abc.Loader):
    """Hands out a module under a second name; its own spec stays as it was."""

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        name = module.__spec__.name
        sys.modules[name] = importlib.import_module(_TARGETS[name])


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in _PACKAGES:
            return importlib.util.spec_from_loader(name, _Package(), is_package=True)
        if name in _TARGETS:
            return importlib.util.spec_from_loader(name, _Alias())
        return None


def install():
    """Makes `import tensorrt`, `import pycuda.driver`, `from cuda import cudart` and their kin mean Medlar, also where
    those packages are installed. Idempotent."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    cudart_library.install()
