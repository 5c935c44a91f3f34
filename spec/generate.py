#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/hw/gen/ from the data in spec/. With --check it writes nothing and fails when the tree differs.

Python 3.10 or later; 3.10 needs the tomli package (3.11 brings tomllib)."""
import argparse
import pathlib
import sys

SPEC = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(SPEC))
sys.dont_write_bytecode = True

from generator import configs, descriptors, devices, limits, registers  # noqa: E402

GENERATORS = (registers, descriptors, configs, devices, limits)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail when the generated files are not up to date")
    arguments = parser.parse_args()
    target = SPEC.parent / "src/hw/gen"
    files = {}
    for generator in GENERATORS:
        files.update(generator.generate(SPEC))
    present = {p.name for p in target.iterdir()} if target.is_dir() else set()
    stale = [name for name in sorted(files) if not matches(target / name, files[name])]
    surplus = sorted(present - set(files))
    if arguments.check:
        for name in stale:
            print(f"src/hw/gen/{name}: differs from what spec/ says: run python3 spec/generate.py")
        for name in surplus:
            print(f"src/hw/gen/{name}: nothing in spec/ makes this file")
        return 1 if stale or surplus else 0
    target.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (target / name).write_text(files[name], encoding="utf-8")
    for name in surplus:
        (target / name).unlink()
    print(f"src/hw/gen: {len(files)} files, {len(stale)} written, {len(surplus)} removed")
    return 0


def matches(path, text):
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
