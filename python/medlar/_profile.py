# SPDX-License-Identifier: Apache-2.0
"""What an inference takes on the device, and what a build costs in accuracy."""
import json
import os
import statistics
import time
from dataclasses import dataclass, field
from typing import Optional, Union

import numpy as np

from . import _core
from ._engine import Engine, Inputs, Path, as_engine
from ._log import LOGGER


@dataclass(frozen=True)
class LayerProfile:
    """One layer on the device, as modelled: a hardware operation of the DLA, or a node on GPU or CPU."""
    name: str
    engine: str         #: "dla", "gpu" or "cpu"
    unit: str           #: units of the DLA, e.g. "CONV+SDP"; the ONNX operator elsewhere
    onnx_nodes: tuple   #: names of the model's nodes that it computes
    start_ms: float     #: milliseconds from the inference's start
    ms: float           #: milliseconds
    macs: int           #: multiply-accumulates
    utilisation: float  #: of the peak multiply-accumulates, 0 to 1
    dram_bytes: int
    sram_bytes: int
    bound: str          #: what limits it: "mac", "memory", "load", ...
    energy_mj: float    #: millijoules, without DRAM


@dataclass(frozen=True)
class Profile:
    """One inference on the device, as modelled, and what this computer took for several. The two never mix."""
    layers: tuple           #: of LayerProfile, in the order of execution
    mode: str               #: power mode of the module
    label: str              #: "bit-exact" or "modelled": the device's
    latency_ms: float       #: of one inference: engines and transitions, one after the other
    dla_ms: float
    gpu_ms: float
    cpu_ms: float
    transition_ms: float    #: handing work from engine to engine
    energy_mj: float        #: millijoules of one inference: engines and DRAM
    dram_bytes: int
    sram_bytes: int
    macs: int
    mac_utilisation: float  #: of the DLA's multiply-accumulates while it works, 0 to 1
    host_ms: tuple = field(default=())  #: milliseconds of this computer, one a run

    @property
    def watts(self) -> float:
        """Mean power over the inference, engines and DRAM, as modelled."""
        return self.energy_mj / self.latency_ms if self.latency_ms else 0.0

    @property
    def host_median_ms(self) -> float:
        """Median of host_ms, in milliseconds of this computer."""
        return statistics.median(self.host_ms)

    def __str__(self):
        lines = [f"{'on':<5} {'layer':<40} {'modelled ms':>12}  {'bound':<8} ONNX nodes"]
        for layer in self.layers:
            lines.append(f"{layer.engine:<5} {layer.name:<40} {layer.ms:>12.4f}  {layer.bound:<8} {' '.join(layer.onnx_nodes)}")
        lines.append(f"modelled: {self.latency_ms:.4f} ms (DLA {self.dla_ms:.4f}, GPU {self.gpu_ms:.4f}, CPU {self.cpu_ms:.4f}, transitions "
                     f"{self.transition_ms:.4f}), {self.energy_mj:.4f} mJ")
        if self.host_ms:
            lines.append(f"host: median of {len(self.host_ms)} runs {self.host_median_ms:.3f} ms")
        return "\n".join(lines)


def _layer(row):
    return LayerProfile(row["name"], row["engine"], row["unit"], tuple(row["origins"]), row["start_ms"], row["modelled_ms"],
                        row["macs"], row["utilisation"], row["dram_bytes"], row["sram_bytes"], row["bound"], row["energy_mj"])


def profile(engine: Union[Engine, Path, bytes], inputs: Optional[Inputs] = None, iterations: int = 10, device: Optional[str] = None,
            mode: str = "", dram_gb_s: float = 0) -> Profile:
    """What each layer of an inference takes on the device: the figures of `medlar profile`.

    engine: an Engine, an engine file or its bytes.
    inputs: as Engine.run(); None: zeros. Modelled figures do not depend on values.
    iterations: runs on this computer, for host_ms; 0: none.
    mode: power mode of the module; "": the device's default.
    dram_gb_s: peak of another memory than the mode's, in GB/s; 0: the mode's.
    Returns a Profile; modelled times are the device's, host times this computer's, in milliseconds.
    """
    if iterations < 0:
        raise _core.InvalidArgument(f"profile: {iterations} iterations")
    if not dram_gb_s >= 0:
        raise _core.InvalidArgument(f"profile: a memory of {dram_gb_s} GB/s")
    target = as_engine(engine, device)
    if inputs is None:
        inputs = {tensor.name: np.zeros(tensor.shape, tensor.dtype) for tensor in target.inputs}
    host = []
    for _ in range(iterations):
        start = time.perf_counter()
        target.run(inputs)
        host.append(1e3 * (time.perf_counter() - start))
    report = json.loads(_core.profile_engine(target.serialize(), target.model, mode, 0, int(dram_gb_s * 1e9), target.feeds(inputs)))
    return Profile(tuple(_layer(row) for row in report["layers"]), report["mode"], report["label"], report["modelled_ms"], report["dla_ms"],
                   report["gpu_ms"], report["cpu_ms"], report["transition_ms"], report["energy_mj"], report["dram_bytes"],
                   report["sram_bytes"], report["macs"], report["mac_utilisation"], tuple(host))


def accuracy(engine: Path, images: Path, task: str = "classify", model: Optional[Path] = None, limit: int = 0, slice_index: int = 0,
             slices: int = 1, confidence: float = 0.5) -> dict:
    """An engine file on the simulated device beside its FP32 model in ONNX Runtime, image by image.

    images: folder or .tar of images, or .npy/.npz samples; for "classify" a file's name starts with its class index and '_'.
    task: "classify", "detect", "segment" or "tensor".
    model: the FP32 reference; None: the ONNX file that the engine was built from, looked for beside the engine,
        in the current folder and in those of MEDLAR_MODEL_PATH.
    limit: stop after so many images; 0: all.
    slice_index, slices: every `slices`-th image from number `slice_index` on: what one of several machines takes.
    Returns counts and sums; those of all slices of a data set add up (see medlar.sweep.merge_counts).
    """
    return json.loads(_core.accuracy_counts(os.fspath(engine), os.fspath(model) if model else "", os.fspath(images), task, limit,
                                            slice_index, slices, confidence, LOGGER))
