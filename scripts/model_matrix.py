#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds and runs every reference model on every device family and prints one line for each.

usage: model_matrix.py [--medlar PATH] [--data DIR] [--only REGEX] [--target REGEX] [--no-run]

--data (default: $MEDLAR_TEST_DATA) holds models/ and images/. A few images, or random tensors where a model takes none,
calibrate INT8 and are run. Exit status 1 when a build or a run fails.
"""
import argparse
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile

# Model: images (archive or files), or random inputs as name -> (dtype, shape).
MODELS = {
    "bidi_lstm": {"input": ("u1", (1, 64))},
    "deeplabv3_mnv2_dm05": ["bird_segmentation.bmp"],
    "mnist": ["mnist_200.tar"],
    "mobilenet_v1_0.25_128": ["imagenet_300.tar"],
    "mobilenet_v2_1.0_224": ["imagenet_300.tar"],
    "openwakeword_embedding": {"input_1": ("f4", (1, 76, 32, 1))},
    "ppocr_v4_det": ["bus.jpg"],
    "resnet20_cifar10": ["cifar10_200.tar"],
    "resnet8_cifar10_mlperf_tiny": ["cifar10_200.tar"],
    "silero_vad_v5": {"input": ("f4", (1, 512)), "state": ("f4", (2, 1, 128)), "sr": ("i8", ())},
    "squeezenet1.1": ["imagenet_300.tar"],
    "super_resolution_core": {"_ppp5_expanded": ("f4", (1, 1, 224, 224))},
    "ultraface_rfb_320": ["faces_1.jpg"],
    "vww_96": ["imagenet_300.tar"],
    "yolov5n": ["bus.jpg", "zidane.jpg"],
    "yolox_nano": ["bus.jpg", "zidane.jpg"],
    "yunet_320": ["faces_1.jpg"],
}
SHAPES = {"bidi_lstm": "input:1x64", "ppocr_v4_det": "x:1x3x640x640", "silero_vad_v5": "input:1x512,state:2x1x128"}
TARGETS = [("orin-nano-8gb", "fp16"), ("orin-nano-8gb", "int8"), ("nv_full", "fp16"), ("nv_full", "int8"), ("nv_large", "int8"),
           ("nv_small", "int8")]
FROM_ARCHIVE = 6


def npy(dtype, shape, numbers):
    count = 1
    for size in shape:
        count *= size
    code, make = {"f4": ("f", lambda: numbers.gauss(0, 1)), "u1": ("B", lambda: numbers.randrange(256)), "i8": ("q", lambda: 16000)}[dtype]
    order = "|" if dtype == "u1" else "<"
    header = f"{{'descr': '{order}{dtype}', 'fortran_order': False, 'shape': {tuple(shape)!r}, }}"
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{count}{code}", *(make() for _ in range(count)))


def samples(source, data, folder):
    """Puts calibration samples into `folder`; returns the arguments of `medlar run` for one of them."""
    folder.mkdir()
    if isinstance(source, dict):
        numbers = random.Random(1)
        for i in range(3):
            with zipfile.ZipFile(folder / f"{i}.npz", "w") as archive:
                for name, (dtype, shape) in source.items():
                    archive.writestr(f"{name}.npy", npy(dtype, shape, numbers))
        run = folder.parent / f"{folder.name}_run"
        with zipfile.ZipFile(folder / "0.npz") as archive:
            archive.extractall(run)
        return [argument for name in source for argument in ("--input", f"{name}={run / name}.npy")]
    for name in source:
        if name.endswith(".tar"):
            with tarfile.open(data / "images" / name) as archive:
                members = [m for m in archive.getmembers() if m.isfile()]
                for member in members[:: max(1, len(members) // FROM_ARCHIVE)][:FROM_ARCHIVE]:
                    (folder / pathlib.Path(member.name).name).write_bytes(archive.extractfile(member).read())
        else:
            (folder / name).write_bytes((data / "images" / name).read_bytes())
    return ["--input", str(sorted(folder.iterdir())[0])]


def timed(command):
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    return done, time.monotonic() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--medlar", default="build/release/tools/medlar")
    parser.add_argument("--data", type=pathlib.Path, default=os.environ.get("MEDLAR_TEST_DATA"))
    parser.add_argument("--only", default="")
    parser.add_argument("--target", default="")
    parser.add_argument("--no-run", action="store_true")
    options = parser.parse_args()
    if options.data is None:
        sys.exit("model_matrix.py: name the reference data: --data DIR or MEDLAR_TEST_DATA")
    failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        for model, source in MODELS.items():
            if not re.search(options.only, model):
                continue
            calibration = pathlib.Path(scratch) / model
            inputs = samples(source, pathlib.Path(options.data), calibration)
            for device, precision in TARGETS:
                if not re.search(options.target, f"{device} {precision}"):
                    continue
                engine = f"{scratch}/{model}.engine"
                command = [options.medlar, "build", f"{options.data}/models/{model}.onnx", "-o", engine, "--device", device, f"--{precision}"]
                command += ["--calib", str(calibration)] if precision == "int8" else []
                command += ["--shapes", SHAPES[model]] if model in SHAPES else []
                built, seconds = timed(command)
                line = f"{model:28} {device:14} {precision} build {seconds:6.1f} s"
                if built.returncode == 0:
                    lines = built.stdout.splitlines()
                    line += "  " + lines[0].split(": ", 1)[1] + ", " + next(l for l in lines if re.match(r"\d+ transition", l))
                    if not options.no_run:
                        ran, seconds = timed([options.medlar, "run", engine, *inputs])
                        line += f"  run {seconds:6.1f} s " + ("ok" if ran.returncode == 0 else "FAILED " + ran.stderr.strip()[-300:])
                        failures += ran.returncode != 0
                else:
                    line += "  FAILED " + built.stderr.strip()[-300:]
                    failures += 1
                print(line, flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
