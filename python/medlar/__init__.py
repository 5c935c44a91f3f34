# SPDX-License-Identifier: Apache-2.0
"""A deep learning accelerator on your desk.

    import medlar, numpy
    engine = medlar.build("model.onnx", device="orin-nano-8gb")      # compiles for the simulated DLA
    outputs = engine.run({"input": numpy.zeros((1, 3, 224, 224), numpy.float32)})
    print(engine.times)                                              # modelled (the device) and host (this computer)

Arrays are row-major, in the model's own layout (NCHW for ONNX), and are used in place: inputs that are C-contiguous are
not copied. Anything that speaks DLPack on the CPU is taken for an input. Modelled times are what the device would take,
host times what this computer took; the two never mix. Every error derives from medlar.Error.

medlar.sweep evaluates many builds on many machines (`pip install medlar[sweep]`).
medlar.tensorrt carries TensorRT's Python names, medlar.compat those of PyCUDA and CUDA Python, and
`python -m medlar.compat SCRIPT.py` runs a script that imports those packages as it stands.
"""
from ._core import (AlreadyExists, Busy, CallbackError, Cancelled, Corrupt, DeviceFault, DeviceMismatch, Error,
                    InternalError, InvalidArgument, IoError, NotFound, OutOfRange, ResourceExhausted, Timeout,
                    Unsupported, VersionMismatch, __version__)
from ._engine import Engine, LayerTime, Tensor, Times, load, run
from ._model import Placement, build, check, describe_devices, devices, simulate
from ._profile import LayerProfile, Profile, accuracy, profile
from . import onnx

__all__ = [
    "AlreadyExists", "Busy", "CallbackError", "Cancelled", "Corrupt", "DeviceFault", "DeviceMismatch", "Error",
    "InternalError", "InvalidArgument", "IoError", "NotFound", "OutOfRange", "ResourceExhausted", "Timeout",
    "Unsupported", "VersionMismatch", "Engine", "LayerProfile", "LayerTime", "Placement", "Profile", "Tensor", "Times",
    "accuracy", "build", "check", "describe_devices", "devices", "load", "onnx", "profile", "run", "simulate", "__version__",
]
