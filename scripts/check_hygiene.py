#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""House rules that a machine can check: no printing or exiting in libraries, no configuration names in code,
SPDX headers, file sizes."""
import pathlib
import re
import sys

FORBIDDEN = re.compile(r"\b(?:std::)?(?:printf|puts|fprintf|abort|exit|_exit|terminate)\s*\(|std::c(?:out|err)\b")
CONFIG_NAME = re.compile(r'"nv_(?:small|medium|large|full)')
MAX_LINES = 800


def main(root: pathlib.Path) -> int:
    errors = []
    for top in ("src", "include", "tools", "tests", "bench", "fuzz"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in {".hpp", ".cpp", ".h", ".c"} and "gen" not in path.parts:
                errors += check(path, path.relative_to(root))
    print("\n".join(errors) if errors else "hygiene: clean")
    return 1 if errors else 0


def check(path, name):
    lines = path.read_text(errors="replace").splitlines()
    errors = []
    if not lines or "SPDX-License-Identifier" not in lines[0]:
        errors.append(f"{name}:1: no SPDX header")
    if len(lines) > MAX_LINES:
        errors.append(f"{name}: {len(lines)} lines, limit {MAX_LINES}")
    if name.parts[0] != "src":
        return errors
    for number, line in enumerate(lines, 1):
        code = line.split("//")[0]
        if FORBIDDEN.search(code):
            errors.append(f"{name}:{number}: a library neither prints nor exits: {line.strip()}")
        if CONFIG_NAME.search(code) and name.parts[1] != "hw":
            errors.append(f"{name}:{number}: ask HwConfig what it can do, do not name it: {line.strip()}")
    return errors


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))
