# SPDX-License-Identifier: Apache-2.0
"""python -m medlar.compat [--device NAME] SCRIPT.py ARGS...

Runs a script that imports tensorrt, pycuda or cuda as it stands, on a simulated device.
"""
import argparse
import os
import runpy
import sys

from .. import Error, _core, __version__
from ._aliases import install


def main():
    parser = argparse.ArgumentParser(prog="python -m medlar.compat", description="Runs a script that imports tensorrt, pycuda or "
                                     "cuda as it stands, on a simulated device.")
    parser.add_argument("--device", help="device profile, e.g. orin-nano-8gb (default: MEDLAR_DEVICE, else the default device)")
    parser.add_argument("--version", action="version", version=f"medlar {__version__}")
    parser.add_argument("-m", dest="module", action="store_true", help="SCRIPT is a module name")
    parser.add_argument("script", help="the script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="its arguments")
    options = parser.parse_args()
    try:
        if options.device:
            _core.Device.set_current(options.device)
            os.environ["MEDLAR_DEVICE"] = _core.Device.default_name()
    except Error as error:
        parser.error(str(error))
    if not options.module and not os.path.isfile(options.script):
        parser.error(f"{options.script}: no such file")
    install()
    sys.argv = [options.script, *options.arguments]
    if options.module:
        runpy.run_module(options.script, run_name="__main__", alter_sys=True)
        return
    sys.path[0] = os.path.dirname(os.path.abspath(options.script))
    runpy.run_path(options.script, run_name="__main__")


main()
