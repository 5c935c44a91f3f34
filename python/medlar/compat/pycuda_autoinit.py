# SPDX-License-Identifier: Apache-2.0
"""Importing it makes a context, as pycuda.autoinit does."""
from . import pycuda_driver as _driver

_driver.init()
device = _driver.Device(0)
context = device.make_context()
