# SPDX-License-Identifier: Apache-2.0
"""From ONNX models to engines."""
import json
import os
from dataclasses import dataclass
from typing import Callable, List, Mapping, Optional, Sequence

from . import _core
from ._engine import Engine, Path
from ._log import LOGGER
from ._types import PLACED

#: TensorRT's numbers
POOLS = {"dla_sram": 1, "dla_local_dram": 2, "dla_global_dram": 3}


@dataclass(frozen=True)
class Placement:
    """Where a node of the model runs, and why it is not on the DLA if it is not."""
    node: str
    engine: str       #: "dla", "gpu", "cpu" or "folded" (computed at build time)
    precision: str    #: "int8", "fp16", "fp32" or ""
    reason_code: str  #: stable id, e.g. "MDL2003"; empty on the DLA
    reason: str       #: names the limit and the value


def _device_name(device):
    return device or _core.Device.default_name()


def _shapes(shapes):
    return {name: [int(d) for d in shape] for name, shape in (shapes or {}).items()}


def _pools(pools):
    unknown = sorted(set(pools or {}) - set(POOLS))
    if unknown:
        raise _core.InvalidArgument(f"memory pool {unknown[0]!r}: there are {', '.join(POOLS)}")
    return {POOLS[name]: int(size) for name, size in (pools or {}).items()}


def build(model: Path, device: Optional[str] = None, int8: bool = False, calibration: Optional[Path] = None,
          calibrator: str = "", layer_devices: Optional[Mapping[str, str]] = None,
          shapes: Optional[Mapping[str, Sequence[int]]] = None, fallback: bool = True, memory_pools: Optional[Mapping[str, int]] = None,
          progress: Optional[Callable[[str, int, int], Optional[bool]]] = None, output: Optional[Path] = None) -> Engine:
    """Compiles an ONNX file for a device's DLA; the engine is the one that `medlar build` makes, byte for byte.

    device: canonical or short name; None: MEDLAR_DEVICE, else the default device.
    int8: INT8 instead of FP16; wants `calibration`, a folder, archive or file of images or .npy/.npz arrays.
    calibrator: "best" (the default), "entropy", "mse", "percentile" or "max".
    layer_devices: dict of node name, with at most one '*' that stands for anything, to "DLA", "GPU" or "CPU".
    shapes: dict of input name to shape, for dimensions that the file leaves open.
    fallback: False makes a layer that the DLA cannot run an error that lists all such layers with their reasons.
    memory_pools: dict of "dla_sram" (default 0), "dla_local_dram" (1 GiB) and "dla_global_dram" (512 MiB) to bytes: on-chip memory for
        intermediate tensors of all DLA segments, and what one segment may take for intermediate tensors and for weights.
    progress: called as progress(what, done, total) from this thread; returning False raises Cancelled.
    output: path to write the engine file to.
    Returns an Engine, loaded on the device.
    """
    name = _device_name(device)
    data = compile_model(model, name, int8, calibration, calibrator, layer_devices, shapes, fallback, memory_pools, progress)
    engine = Engine(data, None if _core.Device.current().name == name else name, name=os.fspath(model))
    if output is not None:
        engine.save(output)
    return engine


def compile_model(model, device, int8=False, calibration=None, calibrator="", layer_devices=None, shapes=None, fallback=True,
                  memory_pools=None, progress=None):
    """The engine file's bytes; arguments as build()."""
    rules = ",".join(f"{pattern}:{where}" for pattern, where in (layer_devices or {}).items())
    return _core.build_model(os.fspath(model), device, int8, os.fspath(calibration) if calibration else "", calibrator, rules, _shapes(shapes),
                             fallback, _pools(memory_pools), progress, LOGGER)


def check(model: Path, device: Optional[str] = None, int8: bool = False,
          shapes: Optional[Mapping[str, Sequence[int]]] = None) -> List[Placement]:
    """Where each node of an ONNX file would run, without building: list of Placement in the file's order."""
    rows = _core.check_model(os.fspath(model), _device_name(device), int8, _shapes(shapes), LOGGER)
    return [Placement(node, PLACED[placed], precision, code, reason) for node, placed, precision, code, reason in rows]


def devices() -> List[str]:
    """Canonical names of the device profiles."""
    return _core.Device.names()


def describe_devices() -> List[dict]:
    """What `medlar devices --json` prints: label, cores, MACs, clocks and memory of every device profile, and the area of a core in square
    millimetres at 16 nm ("core_mm2_16nm") where NVIDIA published it."""
    return json.loads(_core.describe_devices())


def simulate(scenario: Path, frames: int = 0) -> dict:
    """Several models sharing a device, on modelled time: a scenario file (YAML), as `medlar simulate --json` runs it.

    frames: at most so many of each stream; 0: what the file says.
    Returns its metrics as a dict; all times in them are modelled.
    """
    return json.loads(_core.simulate_scenario(os.fspath(scenario), frames, LOGGER))
