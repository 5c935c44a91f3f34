# SPDX-License-Identifier: Apache-2.0
"""The digits model and its pictures, for the examples. None of this knows TensorRT."""
import os
import pathlib
import shutil

import numpy as np

MODEL = pathlib.Path(__file__).resolve().parents[2] / "models" / "digits"


def enter_workspace():
    """Goes to a folder that holds model.onnx: the current one, else out/tensorrt of the clone with the shipped model."""
    if os.path.exists("model.onnx"):
        return
    folder = MODEL.parents[1] / "out" / "tensorrt"
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    shutil.copyfile(MODEL / "digits.onnx", "model.onnx")


def pictures(folder="images"):
    """(class, array [1, 1, 28, 28] of 0..1) of every picture; the class is the number before the underscore."""
    from PIL import Image
    for path in sorted((MODEL / folder).glob("*.png")):
        pixels = np.asarray(Image.open(path).convert("L"), np.float32) / 255
        yield int(path.name.split("_")[0]), np.ascontiguousarray(pixels[None, None])


def show(label, scores):
    print(f"class {label}: predicted {int(np.argmax(scores))}")
