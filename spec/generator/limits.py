# SPDX-License-Identifier: Apache-2.0
"""spec/limits.toml -> typed constants."""
from .text import CPP_NOTE, pascal
from .toml import load_toml

SOURCE = "spec/limits.toml"


def member(key, value):
    if isinstance(value, list):
        return f"  Range {key}{{{value[0]}, {value[1]}}};"
    if isinstance(value, bool):
        return f"  bool {key} = {'true' if value else 'false'};"
    return f"  uint32_t {key} = {value};"


def generate(spec_dir):
    raw = load_toml(spec_dir / "limits.toml")
    out = [CPP_NOTE.format(source=SOURCE) + "// What one operation of the chip can express.", "#pragma once", "", "#include <cstdint>", "",
           "namespace medlar::hw {", "", "/// Smallest and largest allowed value.", "struct Range {", "  uint32_t min = 0;",
           "  uint32_t max = 0;", "  constexpr bool contains(uint64_t value) const { return value >= min && value <= max; }", "};", ""]
    for unit, values in raw.items():
        out.append(f"struct {pascal(unit)}Limits {{")
        out += [member(key, value) for key, value in values.items()]
        out += ["};", ""]
    out.append("struct Limits {")
    out += [f"  {pascal(unit)}Limits {unit};" for unit in raw]
    out += ["};", "", "inline constexpr Limits kLimits{};", "", "}  // namespace medlar::hw"]
    return {"limits.hpp": "\n".join(out) + "\n"}
