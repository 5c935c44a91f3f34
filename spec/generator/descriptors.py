# SPDX-License-Identifier: Apache-2.0
"""spec/descriptors.json -> firmware descriptors for C and C++, and their text form."""
import json
import re
from dataclasses import dataclass

from .text import C_NOTE, CPP_NOTE

SOURCE = "spec/descriptors.json"
SCALARS = {"u8": ("uint8_t", 1), "i8": ("int8_t", 1), "u16": ("uint16_t", 2), "i16": ("int16_t", 2), "u32": ("uint32_t", 4),
           "i32": ("int32_t", 4), "u64": ("uint64_t", 8), "i64": ("int64_t", 8), "f32": ("float", 4)}


@dataclass
class Member:
    offset: int
    kind: str     # scalar key or structure name
    count: int    # 0: no array
    name: str
    enum: str


@dataclass
class Struct:
    c: str
    cpp: str
    size: int
    comment: str
    union: bool
    packed: bool
    align: int
    members: list

    @property
    def keyword(self):
        return "union" if self.union else "struct"


def load(spec_dir):
    raw = json.loads((spec_dir / SOURCE.split("/")[1]).read_text())
    structs = [load_struct(s) for s in raw["structs"]]
    sizes = {s.c: s.size for s in structs}
    for s in structs:
        check(s, sizes, raw["enums"])
    return raw, structs


def load_struct(raw):
    members = []
    for offset, kind, name, *rest in raw["fields"]:
        base, count = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", kind).groups()
        members.append(Member(offset, base, int(count or 0), name, rest[0] if rest else ""))
    return Struct(raw["c"], raw["cpp"], raw["size"], raw["comment"], raw.get("union", False), raw.get("packed", False),
                  raw.get("align", 4), members)


def member_size(m, sizes):
    return (SCALARS[m.kind][1] if m.kind in SCALARS else sizes[m.kind]) * (m.count or 1)


def check(s, sizes, enums):
    """A structure leaves no gap, and every enum exists."""
    end = 0
    for m in s.members:
        if m.enum and m.enum not in enums:
            raise SystemExit(f"{s.c}.{m.name}: no enum {m.enum}")
        if not s.union and m.offset != end:
            raise SystemExit(f"{s.c}.{m.name}: at {m.offset}, the field before it ends at {end}")
        end = m.offset + member_size(m, sizes)
    if not s.union and end != s.size:
        raise SystemExit(f"{s.c}: ends at {end}, declared {s.size}")


def c_type(m, structs):
    if m.kind in SCALARS:
        return SCALARS[m.kind][0]
    return f"{structs[m.kind].keyword} {m.kind}"


def c_header(raw, structs):
    by_name = {s.c: s for s in structs}
    out = [C_NOTE.format(source=SOURCE) + "/* Firmware descriptors, interface 0.12: plain C, needs only <stdint.h>. */",
           "#ifndef MEDLAR_HW_GEN_NVDLA_DESC_H", "#define MEDLAR_HW_GEN_NVDLA_DESC_H", "",
           "#ifdef __KERNEL__", "#include <linux/stddef.h>", "#include <linux/types.h>", "#else", "#include <stddef.h>",
           "#include <stdint.h>", "#endif", "", "#ifdef __cplusplus",
           "#define NVDLA_CHECK(condition) static_assert(condition, #condition)", "#else",
           "#define NVDLA_CHECK(condition) _Static_assert(condition, #condition)", "#endif", ""]
    for name, (value, comment) in raw["constants"].items():
        out.append(f"#define NVDLA_{name.upper()} {value if value >= 0 else f'({value})'} /* {comment} */")
    out.append("")
    for name, entries in raw["enums"].items():
        out.append(f"enum nvdla_{name} {{")
        out += [f"  NVDLA_{name.upper()}_{key.upper()} = {value}," for key, value in entries.items()]
        out += ["};", ""]
    for s in structs:
        out += c_struct(s, by_name)
    out += ["#undef NVDLA_CHECK", "", "#endif"]
    return "\n".join(out) + "\n"


def c_struct(s, by_name):
    out = [f"/* {s.comment} */", f"{s.keyword} {s.c} {{"]
    for m in s.members:
        out.append(f"  {c_type(m, by_name)} {m.name}{f'[{m.count}]' if m.count else ''};" +
                   (f" /* enum nvdla_{m.enum} */" if m.enum else ""))
    attributes = f"packed, aligned({s.align})" if s.packed else f"aligned({s.align})"
    out += [f"}} __attribute__(({attributes}));", f"NVDLA_CHECK(sizeof({s.keyword} {s.c}) == {s.size});"]
    if not s.union:
        out += [f"NVDLA_CHECK(offsetof({s.keyword} {s.c}, {m.name}) == {m.offset});" for m in s.members]
    return out + [""]


def cpp_header(raw, structs):
    out = [CPP_NOTE.format(source=SOURCE) + "// C++ names of the firmware descriptors, and their text forms.", "#pragma once", "",
           "#include <cstdint>", "#include <string>", "#include <string_view>", "", '#include "hw/gen/nvdla_desc.h"', "",
           "namespace medlar::hw {", ""]
    out += [f"using {s.cpp} = ::{s.c};" for s in structs]
    out += ["", "/// Name of an enumeration's value; empty for a value it does not have."]
    out += [f"std::string_view {name}_name(uint32_t value);" for name in raw["enums"]]
    out += ["", "/// \"{field=value nested={...}}\": every field that is not reserved, in memory order, one line."]
    out += [f"std::string to_text(const {s.cpp}& d);" for s in printable(structs)]
    out += ["", "}  // namespace medlar::hw"]
    return "\n".join(out) + "\n"


def printable(structs):
    """Containers are unions whose valid member only the reader knows."""
    return [s for s in structs if not s.union]


def cpp_source(raw, structs):
    unions = {s.c for s in structs if s.union}
    out = [CPP_NOTE.format(source=SOURCE) + "// Text forms of the firmware descriptors.", '#include "hw/gen/descriptors.hpp"', "",
           "#include <type_traits>", "", "#include <fmt/format.h>", "", "namespace medlar::hw {", "namespace {", "",
           "// Takes a copy: members of packed structures must not be referenced.",
           "template <typename T>", "void put(std::string& out, std::string_view name, T value) {",
           '  out += fmt::format("{}{}={}", out.size() > 1 ? " " : "", name, value);', "}", "",
           "void put_named(std::string& out, std::string_view name, uint32_t value, std::string_view text) {",
           '  out += fmt::format("{}{}={}", out.size() > 1 ? " " : "", name, value);', "  if (!text.empty()) {",
           '    out += fmt::format("({})", text);', "  }", "}", "", "template <typename T>",
           "void put_all(std::string& out, std::string_view name, const T* values, size_t count) {",
           '  out += fmt::format("{}{}=[", out.size() > 1 ? " " : "", name);', "  for (size_t i = 0; i < count; ++i) {",
           "    out += i ? \",\" : \"\";", "    if constexpr (std::is_arithmetic_v<T>) {", '      out += fmt::format("{}", values[i]);',
           "    } else {", "      out += to_text(values[i]);", "    }", "  }", '  out += "]";', "}", "", "}  // namespace", ""]
    for name, entries in raw["enums"].items():
        out += [f"std::string_view {name}_name(uint32_t value) {{", "  switch (value) {"]
        out += [f'    case {value}: return "{key}";' for key, value in entries.items()]
        out += ["    default: return {};", "  }", "}", ""]
    for s in printable(structs):
        out += [f"std::string to_text(const {s.cpp}& d) {{", '  std::string out = "{";']
        out += [line for m in s.members if not m.name.startswith("reserved") for line in text_of(m, unions)]
        out += ['  return out + "}";', "}", ""]
    out += ["}  // namespace medlar::hw"]
    return "\n".join(out) + "\n"


def text_of(m, unions):
    if m.kind == "nvdla_slope":
        return [f'  put(out, "{m.name}", to_text(d.{m.name}.data_i));']
    if m.kind == "nvdla_lut_offset":
        return [f'  put(out, "{m.name}", d.{m.name}.frac_bits);']
    assert m.kind not in unions, m
    if m.count and m.kind in ("i16",) and m.count > 16:   # the packed table: copy it
        return [f'  for (size_t i = 0; i < {m.count}; ++i) {{', f'    put(out, fmt::format("{m.name}[{{}}]", i), d.{m.name}[i]);', "  }"]
    if m.count:
        return [f'  put_all(out, "{m.name}", d.{m.name}, {m.count});']
    if m.enum:
        return [f'  put_named(out, "{m.name}", d.{m.name}, {m.enum}_name(d.{m.name}));']
    if m.kind not in SCALARS:
        return [f'  put(out, "{m.name}", to_text(d.{m.name}));']
    return [f'  put(out, "{m.name}", d.{m.name});']


def generate(spec_dir):
    raw, structs = load(spec_dir)
    return {"nvdla_desc.h": c_header(raw, structs), "descriptors.hpp": cpp_header(raw, structs),
            "descriptor_text.cpp": cpp_source(raw, structs)}
