# SPDX-License-Identifier: Apache-2.0
"""Engines: loading, running."""
import json
import os
import threading
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple, Union

import numpy as np

from . import _core
from ._log import LOGGER
from ._types import NUMPY, PLACED


Path = Union[str, "os.PathLike[str]"]
#: arrays by input name, or the one array of a model with one input
Inputs = Union[Mapping[str, Any], Any]


@dataclass(frozen=True)
class Tensor:
    """An input or output of an engine. `shape` is the model's (NCHW for images); -1 where only a run tells."""
    name: str
    shape: tuple
    dtype: np.dtype
    nbytes: int  #: of one inference; 0 when the shape is open


@dataclass(frozen=True)
class Times:
    """Of one inference, in milliseconds. Never add one to the other."""
    modelled_dla_ms: float  #: what the device's DLA would take, as modelled
    host_ms: float          #: what this computer took for the whole call


@dataclass(frozen=True)
class LayerTime:
    """One layer of an inference: a hardware operation of the DLA, or a segment of the host."""
    name: str
    engine: str         #: "dla", "gpu" or "cpu"
    onnx_nodes: tuple   #: names of the model's nodes that it computes
    modelled_ms: float  #: milliseconds on the device, as modelled; 0 where it is not modelled
    host_ms: float      #: milliseconds on this computer; 0 for layers of the DLA


class Engine:
    """An engine on a simulated device.

    Thread-safe: each thread gets an execution context of its own. Made by build() and load().
    """

    def __init__(self, data: bytes, device: Optional[str] = None, core: int = 0, name: str = "engine"):
        if isinstance(data, (str, os.PathLike)):
            raise TypeError(f"Engine() takes the bytes of an engine, not a path: medlar.load({os.fspath(data)!r}) reads the file")
        self._device = _core.Device(device) if device else _core.Device.current()
        runtime = _core.Runtime(LOGGER, self._device)
        runtime.dla_core = core
        self._core = runtime.deserialize(bytes(data), name)
        self._dla_core = core
        tensors = [(is_input, Tensor(name, tuple(shape), np.dtype(NUMPY.get(dtype, np.void)), nbytes))
                   for name, is_input, dtype, shape, nbytes in self._core.tensors]
        self._inputs = tuple(tensor for is_input, tensor in tensors if is_input)
        self._outputs = tuple(tensor for is_input, tensor in tensors if not is_input)
        self._fixed = [(tensor.name, tensor.shape, tensor.dtype) for tensor in self._outputs if tensor.nbytes]
        self._open = [tensor.name for tensor in self._outputs if not tensor.nbytes]
        self._threads = threading.local()

    @property
    def inputs(self) -> Tuple[Tensor, ...]:
        """Tuple of Tensor, in the model's order."""
        return self._inputs

    @property
    def outputs(self) -> Tuple[Tensor, ...]:
        """Tuple of Tensor, in the model's order."""
        return self._outputs

    @property
    def device(self) -> str:
        """Canonical name of the device that it runs on."""
        return self._device.name

    @property
    def precision(self) -> str:
        """"int8" or "fp16": what the DLA computes in."""
        return self._core.precision

    @property
    def model(self) -> str:
        """Name of the model that it was built from."""
        return self._core.model_name

    def _context(self):
        context = getattr(self._threads, "context", None)
        if context is None:
            context = self._threads.context = self._core.create_context(self._dla_core)
        return context

    def feeds(self, inputs: Inputs) -> Dict[str, Any]:
        """Inputs as run() takes them: by name, C-contiguous."""
        if not isinstance(inputs, dict):
            if len(self._inputs) != 1:
                raise _core.InvalidArgument(f"the engine has {len(self._inputs)} inputs: give a dict by name")
            inputs = {self._inputs[0].name: inputs}
        return {name: _contiguous(array) for name, array in inputs.items()}

    def run(self, inputs: Inputs, out: Optional[Dict[str, np.ndarray]] = None) -> Dict[str, np.ndarray]:
        """One inference. Releases the GIL while it computes.

        inputs: dict of arrays by input name, or one array when there is one input. Shape and dtype must be the engine's
            (see Engine.inputs); C-contiguous arrays are read in place, others are copied once.
        out: dict of arrays to write outputs to, in place; outputs that it does not name are allocated.
        Returns a dict of arrays by output name.
        Raises InvalidArgument for a missing or unknown name, a wrong shape or dtype.
        """
        feeds = self.feeds(inputs)
        results = _given_outputs(out) if out else {}
        for name, shape, dtype in self._fixed:
            if name not in results:
                results[name] = np.empty(shape, dtype)
        try:
            context = self._threads.context
        except AttributeError:
            context = self._context()
        context.run(self._core, feeds, results)
        for name in self._open:
            if name not in results:
                results[name] = context.open_output(name)
        return results

    __call__ = run

    @property
    def times(self) -> Times:
        """Times of this thread's last inference."""
        return Times(*self._context().last_times)

    @property
    def layers(self) -> Tuple[LayerTime, ...]:
        """Tuple of LayerTime of this thread's last inference, in the order of execution."""
        return tuple(LayerTime(name, PLACED[placed], tuple(nodes), modelled, host)
                     for name, placed, nodes, modelled, host in self._context().last_layers)

    def inspect(self) -> dict:
        """All that is known about the engine, as a dict: layers, bindings, segments, placements with reasons."""
        return json.loads(self._core.inspect())

    def placement(self) -> str:
        """Where the model's nodes run and why, as text."""
        return self._core.placement_text()

    def serialize(self) -> bytes:
        """The engine file's bytes."""
        return self._core.serialize()

    def save(self, path: Path) -> None:
        """Writes the engine file."""
        with open(path, "wb") as file:
            file.write(self.serialize())

    def __repr__(self):
        return f"<medlar.Engine of {self.model} for {self.device}, {self.precision}>"


def _given_outputs(out):
    for name, array in out.items():
        if not isinstance(array, np.ndarray) or not array.flags.c_contiguous or not array.flags.writeable:
            raise _core.InvalidArgument(f"output '{name}': it takes a writable C-contiguous NumPy array")
    return dict(out)


def _contiguous(array):
    if isinstance(array, np.ndarray):
        return np.ascontiguousarray(array) if not array.flags.c_contiguous else array
    if hasattr(array, "__dlpack__"):
        return array
    return np.ascontiguousarray(array)


def load(engine: Union[Path, bytes], device: Optional[str] = None, core: int = 0) -> Engine:
    """An engine file (path or bytes) on a simulated device.

    device: canonical or short name; None: MEDLAR_DEVICE, else the default device, one for the process.
    core: which of the device's DLA cores.
    Raises DeviceMismatch for an engine of another device, Corrupt or VersionMismatch for broken ones.
    """
    if isinstance(engine, (bytes, bytearray, memoryview)):
        return Engine(engine, device, core)
    path = os.fspath(engine)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise _core.IoError(f"{path}: {error.strerror}") from error
    return Engine(data, device, core, path)


def run(engine: Union[Engine, Path, bytes], inputs: Inputs, device: Optional[str] = None) -> Dict[str, np.ndarray]:
    """load() where needed, then one inference: dict of output arrays by name."""
    return as_engine(engine, device).run(inputs)


def as_engine(engine, device):
    return engine if isinstance(engine, Engine) else load(engine, device)
