# SPDX-License-Identifier: Apache-2.0
"""Every command line and Python fragment of the documents runs, in a folder where the digits model and its pictures have the names that the
documents use. A fence that cannot run here says why: ```sh skip: REASON."""
import os
import re
import shutil
import subprocess
import tarfile

import numpy as np
import pytest

from conftest import ROOT

DIGITS = ROOT / "models" / "digits"
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
MOST_SKIPPED = 6
DOCUMENTS = sorted(path for folder in (ROOT, ROOT / "docs", ROOT / "docs" / "rationale", ROOT / "docs" / "commands")
                   for path in folder.glob("*.md") if path.name != "CHANGELOG.md")


def fences(path):
    """(language, reason to skip, text)"""
    found = []
    for head, text in FENCE.findall(path.read_text()):
        language, _, reason = head.partition(" skip:")
        found.append((language.strip(), reason.strip(), text))
    return found


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(DIGITS / "calibration", tmp_path / "images")
    shutil.copytree(DIGITS / "images", tmp_path / "labelled")
    with tarfile.open(tmp_path / "labelled.tar", "w") as archive:
        archive.add(tmp_path / "labelled", "labelled")
    for name in ("digits.onnx", "digits.preprocess.json"):
        shutil.copy(DIGITS / name, tmp_path / name.replace("digits", "model"))
    shutil.copy(DIGITS / "labels.txt", tmp_path)
    shutil.copy(next((DIGITS / "images").glob("3_*.png")), tmp_path / "photo.jpg")  # told by its content
    np.save(tmp_path / "sample.npy", np.zeros((1, 1, 28, 28), np.float32))
    for name in ("script.py", "my_tensorrt_script.py"):
        shutil.copy(ROOT / "examples" / "tensorrt" / "build_dla.py", tmp_path / name)
    shutil.copy(ROOT / "examples" / "tensorrt" / "digits.py", tmp_path)
    os.symlink(ROOT / "examples", tmp_path / "examples")
    return tmp_path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_runs(document, folder, programs):
    for language, reason, text in fences(document):
        assert language in ("sh", "python", "text"), f"{document.name}: a fence of '{language}': sh, python or text, which is not run"
        if language == "text" or reason:
            continue
        command = ["bash", "-euo", "pipefail", "-c", text] if language == "sh" else ["python", "-c", text]
        done = subprocess.run(command, cwd=folder, env=programs, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, f"{document.name}:\n{text}\nexit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def test_few_are_skipped_each_with_a_reason():
    skipped = [(path.name, reason) for path in DOCUMENTS for _, reason, _ in fences(path) if reason]
    assert len(skipped) <= MOST_SKIPPED, skipped
    assert all(len(reason.split()) > 3 for _, reason in skipped), skipped


def test_links_lead_somewhere():
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", FENCE.sub("", path.read_text())):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.relative_to(ROOT)}: {target} is not there"
