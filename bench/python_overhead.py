#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Python adds to an inference: wall time of Engine.run() and of TensorRT's execute_v2(), less the time that the C++ call
below them reports for the same inference, one by one. Medians and 95th percentiles in microseconds of this computer.

    PYTHONPATH=build/release/python .deps/python/bin/python bench/python_overhead.py [inferences]
"""
import pathlib
import statistics
import sys
import time

import numpy as np

import medlar
import medlar.tensorrt as trt
from medlar.compat import pycuda_driver as cuda

MODEL = pathlib.Path(__file__).resolve().parents[1] / "models" / "digits" / "digits.onnx"


def measure(count, run, host_ms):
    extra = []
    for _ in range(count):
        start = time.perf_counter()
        run()
        extra.append(1e6 * (time.perf_counter() - start) - 1e3 * host_ms())
    extra.sort()
    return statistics.median(extra), extra[int(0.95 * len(extra))]


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    engine = medlar.build(str(MODEL))
    image = np.zeros((1, 1, 28, 28), np.float32)
    scores = {"probabilities": np.empty((1, 10), np.float32)}
    context = trt.Runtime(trt.Logger()).deserialize_cuda_engine(engine.serialize()).create_execution_context()
    memory = [cuda.mem_alloc(image.nbytes), cuda.mem_alloc(40)]  # freed with these objects
    bindings = [int(address) for address in memory]
    if not context.execute_v2(bindings):
        sys.exit("execute_v2 failed")
    rows = {
        "medlar: Engine.run, outputs allocated": (lambda: engine.run({"image": image}), lambda: engine.times.host_ms),
        "medlar: Engine.run, outputs in place": (lambda: engine.run({"image": image}, scores), lambda: engine.times.host_ms),
        "medlar.tensorrt: execute_v2": (lambda: context.execute_v2(bindings), lambda: context._core.last_times[1]),
    }
    for run, _ in rows.values():
        for _ in range(20):
            run()
    print(f"{'':<40} {'median us':>10} {'95 % us':>10}   above the C++ call, {count} inferences")
    for name, (run, host_ms) in rows.items():
        median, high = measure(count, run, host_ms)
        print(f"{name:<40} {median:>10.1f} {high:>10.1f}")


if __name__ == "__main__":
    main()
