# SPDX-License-Identifier: Apache-2.0
"""What programs written for TensorRT import besides it: pycuda.driver, pycuda.autoinit, cuda.cudart, cuda.bindings.

Device memory is the simulated module's DRAM, streams are its queues. `python -m medlar.compat SCRIPT.py ARGS...` runs a
script as it stands; install() makes the names importable in a running interpreter.
"""
from ._aliases import install

__all__ = ["install"]
