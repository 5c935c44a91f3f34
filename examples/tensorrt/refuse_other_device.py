# SPDX-License-Identifier: Apache-2.0
"""Engine files are device-specific: one that was built for another module is refused, and the log says why."""
import os
import subprocess
import sys

import tensorrt as trt

from digits import MODEL, enter_workspace

enter_workspace()
other = "orin-nx-16gb" if os.environ.get("MEDLAR_DEVICE", "orin-nano-8gb") != "orin-nx-16gb" else "agx-orin-64gb"
subprocess.run([sys.executable, "-c", "import medlar, sys; medlar.build(sys.argv[1], device=sys.argv[2], output=sys.argv[3])",
                str(MODEL / "digits.onnx"), other, "other_device.engine"], check=True)

logger = trt.Logger(trt.Logger.ERROR)
runtime = trt.Runtime(logger)
with open("other_device.engine", "rb") as f:
    engine = runtime.deserialize_cuda_engine(f.read())
if engine is not None:
    raise SystemExit("an engine of another device was accepted")
print(f"refused: it was built for {other}")
