# SPDX-License-Identifier: Apache-2.0
"""Scripts that were written for TensorRT run as they stand: the shipped examples and programs in the manner of its samples."""
import pathlib
import re

import numpy as np
import pytest

from conftest import DIGITS, ROOT

EXAMPLES = sorted(path for path in (ROOT / "examples" / "tensorrt").glob("*.py") if path.name != "digits.py")
SCRIPTS = pathlib.Path(__file__).parent / "scripts"


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_examples(compat, script):
    done = compat(script)
    assert "Traceback" not in done.stderr
    for truth, predicted in re.findall(r"class (\d): predicted (\d)", done.stdout):
        assert truth == predicted
    assert done.stdout


def test_the_examples_engine_is_the_command_lines(compat, cli, image, tmp_path):
    compat(ROOT / "examples" / "tensorrt" / "build_dla.py")
    engine = compat.folder / "model_dla.engine"
    np.save(tmp_path / "image.npy", image)
    cli("run", engine, "--input", f"image={tmp_path / 'image.npy'}", "--output-dir", tmp_path / "out")
    import medlar
    ours = medlar.load(engine).run(image)["probabilities"]
    assert ours.tobytes() == np.load(tmp_path / "out" / "probabilities.npy").tobytes()


def test_another_device(compat):
    done = compat(ROOT / "examples" / "tensorrt" / "refuse_other_device.py", device="agx-orin-64gb")
    assert "refused" in done.stdout and "agx-orin-64gb" in done.stderr
    assert compat("model.onnx", device="no-such-device", check=False).returncode == 2


@pytest.mark.parametrize("script, arguments, expected", [
    ("onnx_classifier.py", [], r"Predicted class: \d of \(10,\)"),
    ("onnx_classifier.py", ["--dla", "0"], r"Predicted class: \d of \(10,\)"),
    ("engine_builder.py", [], r"class \d"),
    ("engine_builder.py", ["--precision", "int8", "--useDLACore", "0"], r"class \d"),
    ("network_api.py", [], r"class \d layers 1[0-9]"),
    ("legacy.py", ["model.onnx"], r"class \d"),
    ("converter.py", [], r"best \d \d \d int32"),
    ("loaders.py", [], r"class \d"),
    ("dla_course.py", ["model.onnx", DIGITS / "images", "--fp16", "--dla_core", "0", "--gpu_fallback"], r"TEST ACCURACY: 1.0"),
    ("dla_course.py", ["model.onnx", DIGITS / "images", "--int8", "--dla_core", "0", "--gpu_fallback"], r"cache of \d+ bytes(.|\n)*TEST ACCURACY: 1.0"),
])
def test_programs(compat, script, arguments, expected):
    done = compat(SCRIPTS / script, *arguments)
    assert re.search(expected, done.stdout), done.stdout + done.stderr


def test_unknown_names_are_named(compat, tmp_path):
    script = tmp_path / "unknown.py"
    script.write_text("import tensorrt as trt\ntrt.Refitter\n")
    done = compat(script, check=False)
    assert done.returncode != 0 and "Refitter" in done.stderr
    script.write_text("import pycuda.compiler\n")
    assert "pycuda.compiler" in compat(script, check=False).stderr


