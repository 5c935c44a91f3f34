# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = ROOT / "models" / "digits"


@pytest.fixture(scope="session")
def model():
    return str(DIGITS / "digits.onnx")


@pytest.fixture(scope="session")
def engine(model):
    import medlar
    return medlar.build(model)


@pytest.fixture
def image():
    picture = np.zeros((1, 1, 28, 28), np.float32)
    picture[0, 0, 4:24, 12:16] = 1
    return picture


@pytest.fixture(scope="session")
def cli():
    """Runs the command line; skips where it is not built."""
    binary = os.environ.get("MEDLAR_BINARY")
    if not binary:
        pytest.skip("MEDLAR_BINARY names no command line tool")

    def run(*arguments):
        return subprocess.run([binary, *map(str, arguments)], check=True, capture_output=True, text=True).stdout
    return run


@pytest.fixture
def compat(tmp_path):
    """Runs a script through `python -m medlar.compat` in a folder of its own that holds model.onnx."""
    (tmp_path / "model.onnx").write_bytes((DIGITS / "digits.onnx").read_bytes())

    def run(script, *arguments, device=None, check=True):
        options = ["--device", device] if device else []
        done = subprocess.run([sys.executable, "-m", "medlar.compat", *options, str(script), *map(str, arguments)], cwd=tmp_path,
                              capture_output=True, text=True, timeout=240)
        if check and done.returncode != 0:
            pytest.fail(f"{script}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done
    run.folder = tmp_path
    return run
