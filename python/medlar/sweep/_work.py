# SPDX-License-Identifier: Apache-2.0
"""What runs on the workers. Errors come back as values: exceptions of an extension module do not travel well."""
import functools
import os
import tempfile
import time
import traceback

from .. import _core
from .._model import compile_model, describe_devices
from .._profile import accuracy, profile
from ._space import Point


def _caught(work):
    @functools.wraps(work)
    def wrapper(point, built, *arguments):
        if built is not None and "error" in built:
            return built  # what it needs has failed: the same error
        start = time.perf_counter()
        try:
            result = work(point, built, *arguments)
        except _core.Error as error:
            return {"error": f"{type(error).__name__}: {error}"}
        except Exception as error:  # noqa: BLE001: a fault of ours is a failed point too, and says where
            return {"error": f"{type(error).__name__}: {error}\n{traceback.format_exc()}"}
        result["host_seconds"] = time.perf_counter() - start
        return result
    return wrapper


@_caught
def build(point: Point, _):
    """{"engine": the engine file's bytes}"""
    model = point.model
    if point.precision == "int8" and not model.calibration:
        raise _core.InvalidArgument(f"{model.file}: INT8 wants calibration data")
    return {"engine": compile_model(model.file, point.device, point.precision == "int8",
                                    model.calibration if point.precision == "int8" else None, point.calibrator,
                                    model.layer_devices, model.shapes, memory_pools=point.memory.pools)}


@_caught
def measure(point: Point, built):
    """Modelled figures of one inference."""
    found = profile(built["engine"], iterations=0, device=point.device, mode=point.memory.mode, dram_gb_s=point.memory.dram_gb_s)
    device = next(entry for entry in describe_devices() if entry["name"] == point.device)
    area = device["core_mm2_16nm"]
    return {"label": found.label, "mode": found.mode, "latency_ms": found.latency_ms, "dla_ms": found.dla_ms, "gpu_ms": found.gpu_ms,
            "cpu_ms": found.cpu_ms, "transition_ms": found.transition_ms, "energy_mj": found.energy_mj, "watts": found.watts,
            "dram_bytes": found.dram_bytes, "sram_bytes": found.sram_bytes, "macs": found.macs, "mac_utilisation": found.mac_utilisation,
            "area_mm2": None if area is None else area * device["dla_cores"], "engine_bytes": len(built["engine"]),
            "build_seconds": built["host_seconds"]}


@_caught
def compare(point: Point, built, path, number):
    """Counts of one slice of the data set."""
    data = point.model.data
    with tempfile.TemporaryDirectory() as folder:
        engine = os.path.join(folder, "point.engine")
        with open(engine, "wb") as file:
            file.write(built["engine"])
        return accuracy(engine, path, data.task, point.model.file, data.limit, number, data.slices, data.confidence)
