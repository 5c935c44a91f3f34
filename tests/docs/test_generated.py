# SPDX-License-Identifier: Apache-2.0
"""Pages of commands are current; man pages are well formed; completion works in a real bash."""
import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT

SCRIPT = [sys.executable, str(ROOT / "scripts" / "document_commands.py"), os.environ["MEDLAR_BINARY"], os.environ["TRTEXEC_BINARY"]]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    subprocess.run([*SCRIPT, "--man", str(folder / "man1"), "--completion", str(folder)], check=True, timeout=120)
    return folder


def test_pages_are_current():
    done = subprocess.run([*SCRIPT, "--pages", str(ROOT / "docs" / "commands"), "--check"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_man_pages(made):
    pages = sorted((made / "man1").iterdir())
    assert [page.name for page in pages[:2]] == ["medlar-accuracy.1", "medlar-build.1"] and pages[-1].name == "trtexec.1"
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    for page in pages:
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", str(page)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and not done.stderr, f"{page.name}: {done.stderr}"
    text = subprocess.run(["groff", "-man", "-Tascii", "-P-c", str(made / "man1" / "medlar-build.1")], capture_output=True, text=True, check=True).stdout
    assert "--accuracy-budget" in re.sub(".\b", "", text)  # bold is overstruck


COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_medlar
printf '%s\\n' "${COMPREPLY[@]}"
complete -p medlar >/dev/null
"""


@pytest.mark.parametrize("words, wanted, unwanted", [
    (["medlar", "pro"], {"profile"}, {"build"}),
    (["medlar", ""], {"build", "run", "trace", "stats"}, set()),
    (["medlar", "build", "--cal"], {"--calib", "--calibrator"}, {"--device"}),
    (["medlar", "build", "--calibrator", ""], {"best", "entropy", "mse", "percentile", "max"}, {"--calib"}),
    (["medlar", "build", "m.onnx", "--device", "nvdla-nv_s"], {"nvdla-nv_small"}, {"orin-nano-8gb"}),
    (["medlar", "trace", ""], {"play", "record", "time"}, {"build"}),
    (["medlar", "trace", "play", "--"], {"--help"}, {"play"}),
    (["medlar", "build", "mod"], {"model.onnx"}, set()),
])
def test_completion_in_bash(made, tmp_path, words, wanted, unwanted):
    (tmp_path / "model.onnx").touch()
    done = subprocess.run(["bash", "--norc", "-c", COMPLETE, "bash", str(made / "medlar.bash"), *words], cwd=tmp_path, capture_output=True,
                          text=True, timeout=60)
    offered = set(done.stdout.split())
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert wanted <= offered and not unwanted & offered, offered


@pytest.mark.parametrize("shell, file", [("zsh", "_medlar"), ("fish", "medlar.fish")])
def test_other_shells_read_theirs(made, shell, file):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-n", str(made / file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
