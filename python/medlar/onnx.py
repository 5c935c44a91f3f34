# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime beside the DLA."""
import os
from dataclasses import dataclass

import numpy as np

from . import _core
from ._engine import load
from ._model import build


@dataclass(frozen=True)
class Difference:
    """Of one output: DLA minus reference, in the output's own unit."""
    max_abs: float   #: largest absolute difference
    mean_abs: float  #: mean absolute difference
    snr_db: float    #: signal to noise ratio of the DLA's result, in decibel; inf when they are equal
    cosine: float    #: cosine of the angle between the two; 1 when they point the same way


@dataclass(frozen=True)
class Comparison:
    """One inference, twice."""
    reference: dict    #: outputs of ONNX Runtime in FP32, by name
    dla: dict          #: outputs of the engine, by name
    difference: dict   #: Difference by output name

    def __str__(self):
        return "\n".join(f"{name}: max |d| {d.max_abs:.6g}, mean |d| {d.mean_abs:.6g}, SNR {d.snr_db:.2f} dB, cosine {d.cosine:.6f}"
                         for name, d in self.difference.items())


def difference(result, reference):
    """Difference between two arrays of one shape."""
    a = np.asarray(result, np.float64).ravel()
    b = np.asarray(reference, np.float64).ravel()
    if a.shape != b.shape:
        raise _core.InvalidArgument(f"arrays of {a.size} and {b.size} elements cannot be compared")
    delta = a - b
    noise, signal = float(delta @ delta), float(b @ b)
    norm = float(np.sqrt((a @ a) * signal))
    snr = float("inf") if noise == 0 else (10 * np.log10(signal / noise) if signal > 0 else float("-inf"))
    return Difference(float(np.abs(delta).max(initial=0)), float(np.abs(delta).mean()) if a.size else 0.0, float(snr),
                      float(a @ b) / norm if norm else float(noise == 0))


def reference(model, inputs, shapes=None):
    """The model's outputs as ONNX Runtime computes them in FP32, node by node: dict of arrays by name."""
    return _core.reference_run(os.fspath(model), {name: np.ascontiguousarray(array) for name, array in inputs.items()},
                               {name: [int(d) for d in shape] for name, shape in (shapes or {}).items()})


def run(model, inputs, engine=None, device=None, **build_options):
    """Runs an ONNX file on the DLA and in ONNX Runtime.

    model: ONNX file.
    inputs: dict of arrays by name, in the model's shapes and dtypes.
    engine: an Engine, an engine file or its bytes; None: built here, with `device` and the options of medlar.build().
    Returns a Comparison: both results and their difference, output by output.
    """
    if engine is None:
        target = build(model, device=device, **build_options)
    else:
        target = engine if hasattr(engine, "run") else load(engine, device)
    exact = reference(model, inputs, build_options.get("shapes"))
    dla = target.run(inputs)
    return Comparison(exact, dla, {name: difference(dla[name], exact[name]) for name in dla})
