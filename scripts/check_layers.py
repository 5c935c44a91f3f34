#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a folder of src/ includes a folder that is not on a lower floor (spec/layers.json)."""
import json
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"/]+)/')


def main(root: pathlib.Path) -> int:
    rules = json.loads((root / "spec/layers.json").read_text())
    floor = {name: level for level, names in enumerate(rules["floors"]) for name in names}
    errors = []
    for folder in sorted(p for p in (root / "src").iterdir() if p.is_dir()):
        if folder.name not in floor:
            errors.append(f"src/{folder.name}: no floor in spec/layers.json")
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in {".hpp", ".cpp", ".h", ".c"}:
            continue
        owner = path.relative_to(root / "src").parts[0]
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match or match[1] == owner or match[1] not in floor:
                continue
            errors += check(rules, floor, owner, match[1], f"{path.relative_to(root)}:{number}")
    print("\n".join(errors) if errors else f"layers: {len(floor)} folders, every include goes down")
    return 1 if errors else 0


def check(rules, floor, owner, used, where):
    if owner in floor and floor[used] >= floor[owner]:
        return [f"{where}: {owner} (floor {floor[owner]}) includes {used} (floor {floor[used]})"]
    if used in rules["never"].get(owner, []):
        return [f"{where}: {owner} must never see {used}"]
    if owner in rules["only"] and used not in rules["only"][owner]:
        return [f"{where}: {owner} sees only {', '.join(rules['only'][owner])}, not {used}"]
    return []


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))
