# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def pytest_configure(config):
    for name in ("MEDLAR_BINARY", "TRTEXEC_BINARY"):
        if not os.environ.get(name):
            pytest.exit(f"{name} names no program", 1)


@pytest.fixture
def programs(tmp_path_factory):
    """An environment with medlar, trtexec and python on its path."""
    folder = tmp_path_factory.mktemp("bin")
    for name, target in (("medlar", os.environ["MEDLAR_BINARY"]), ("trtexec", os.environ["TRTEXEC_BINARY"]), ("python", sys.executable)):
        script = folder / name  # scripts, so that a virtual environment's Python knows where it is
        script.write_text(f'#!/bin/sh\nexec "{target}" "$@"\n')
        script.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
