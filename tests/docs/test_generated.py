# SPDX-License-Identifier: Apache-2.0
"""Pages of commands are current; man pages are well formed; completion works in a real bash, zsh and fish."""
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
source "$1"
read -ra COMP_WORDS <<<"$2"
[[ $2 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_medlar
printf '%s\\n' "${COMPREPLY[@]}"
complete -p medlar >/dev/null
"""


CASES = [
    ("medlar pro", {"profile"}, {"build"}),
    ("medlar ", {"build", "run", "trace", "stats"}, set()),
    ("medlar build --cal", {"--calib", "--calibrator"}, {"--device"}),
    ("medlar build --calibrator ", {"best", "entropy", "mse", "percentile", "max"}, {"--calib"}),
    ("medlar build m.onnx --device nvdla-nv_s", {"nvdla-nv_small"}, {"orin-nano-8gb"}),
    ("medlar trace ", {"play", "record", "time"}, {"build", "model.onnx"}),
    ("medlar trace play --", {"--help"}, {"play", "--calib"}),
    ("medlar accuracy ", {"timing", "engines", "model.onnx"}, {"build"}),
    ("medlar accuracy timing --", {"--markdown"}, {"--images"}),
    ("medlar build mod", {"model.onnx"}, set()),
]


def offered(command, folder, line):
    (folder / "model.onnx").touch()
    done = subprocess.run([*command, line], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("line, wanted, unwanted", CASES)
def test_completion_in_bash(made, tmp_path, line, wanted, unwanted):
    words = set(offered(["bash", "--norc", "-c", COMPLETE, "bash", str(made / "medlar.bash")], tmp_path, line).split())
    assert wanted <= words and not unwanted & words, words


@pytest.mark.parametrize("line, wanted, unwanted", CASES)
def test_completion_in_zsh(made, tmp_path, line, wanted, unwanted):
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed (scripts/install-deps --dev)")
    script = ROOT / "tests" / "docs" / "complete.zsh"
    words = set(offered(["zsh", "-f", str(script), str(made)], tmp_path, line).splitlines())
    assert wanted <= words and not unwanted & words, words


@pytest.mark.parametrize("line, wanted, unwanted", CASES)
def test_completion_in_fish(made, tmp_path, line, wanted, unwanted):
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed (scripts/install-deps --dev)")
    command = ["env", f"HOME={tmp_path}", "fish", "--no-config", "-c", f"source {made / 'medlar.fish'}; complete -C $argv[1]"]
    words = {text.split("\t")[0] for text in offered(command, tmp_path, line).splitlines()}
    assert wanted <= words and not unwanted & words, words


@pytest.mark.parametrize("shell, file", [("zsh", "_medlar"), ("fish", "medlar.fish")])
def test_other_shells_read_theirs(made, shell, file):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed (scripts/install-deps --dev)")
    done = subprocess.run([shell, "-n", str(made / file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
