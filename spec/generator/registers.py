# SPDX-License-Identifier: Apache-2.0
"""spec/registers/*.json -> typed registers for C++ and register macros for C."""
import json
import re
from dataclasses import dataclass, field

from .text import C_NOTE, CPP_NOTE, mask, number, pascal, quoted, snake

MAPS = ("v1", "v2")
# Order of the Block enumeration.
BLOCKS = ("cfgrom", "glb", "gec", "mcif", "cvif", "bdma", "cdma", "csc", "cmac_a", "cmac_b", "cacc", "sdp_rdma", "sdp",
          "pdp_rdma", "pdp", "cdp_rdma", "cdp", "rbk")
ACCESS = {"r": "kReadOnly", "rw": "kReadWrite", "w": "kWriteOnly", "w1c": "kWriteOneToClear"}
SWITCHES = ("disable_enable", "no_yes", "false_true", "off_on")   # values that need no name in code
SOURCE = "spec/registers/"


@dataclass(frozen=True)
class Bits:
    lsb: int
    width: int
    reset: int

    @property
    def mask(self):
        return mask(self.width) << self.lsb


@dataclass
class Field:
    name: str
    member: str
    access: str
    in_bytes: bool   # the value keeps its low bits: an address or stride whose low bits are not stored
    values: str      # key of spec/registers/values.json, or ""
    bits: dict       # map name -> Bits


@dataclass
class Register:
    name: str
    offset: int
    grouped: bool
    fields: list

    def reset(self, which):
        return sum(f.bits[which].reset << f.bits[which].lsb for f in self.fields)

    def writable(self, which):
        return sum(f.bits[which].mask for f in self.fields if f.access != "r")

    def access(self):
        kinds = {f.access for f in self.fields}
        if kinds == {"r"}:
            return "r"
        return kinds.pop() if len(kinds) == 1 else "rw"

    def differs(self):
        return any(f.bits["v1"] != f.bits["v2"] for f in self.fields)


@dataclass
class Block:
    key: str
    name: str
    enumerator: str
    prefix: str
    comment: str
    base: dict
    registers: list
    structs: dict = field(default_factory=dict)   # struct name -> list of Register


def load(spec_dir):
    values = json.loads((spec_dir / "registers/values.json").read_text())
    del values["comment"]
    return [load_block(spec_dir, key) for key in BLOCKS], values


def load_block(spec_dir, key):
    raw = json.loads((spec_dir / f"registers/{key}.json").read_text())
    registers = [load_register(r, grouped) for grouped in (False, True) for r in raw["grouped" if grouped else "single"]]
    registers.sort(key=lambda r: r.offset)
    block = Block(key, raw["block"], raw["enumerator"], raw["prefix"], raw["comment"].split(". ")[0].split(": ", 1)[1],
                  {m: number(raw["base"][m]) for m in MAPS}, registers)
    by_name = {r.name: r for r in registers}
    if any(r.grouped for r in registers):
        block.structs[raw["prefix"] + "Group"] = [r for r in registers if r.grouped]
    for name, members in raw.get("structs", {}).items():
        block.structs[name] = [by_name[m] for m in members]
    for name, members in block.structs.items():
        check_unique([f.member for r in members for f in r.fields], f"{block.name} {name}")
    check_unique([r.name for r in registers], block.name)
    check_unique([r.offset for r in registers], block.name)
    return block


def check_unique(names, where):
    twice = sorted({str(n) for n in names if names.count(n) > 1})
    if twice:
        raise SystemExit(f"{where}: not unique: {', '.join(twice)}")


def load_register(raw, grouped):
    return Register(raw["name"], number(raw["at"]), grouped, [load_field(f) for f in raw["fields"]])


def load_field(raw):
    old = raw.get("v1", {})
    bits = {"v2": parse_bits(raw["bits"], raw.get("reset", 0)),
            "v1": parse_bits(old.get("bits", raw["bits"]), old.get("reset", raw.get("reset", 0)))}
    return Field(raw["name"], raw.get("member", snake(raw["name"])), raw["access"], raw.get("bytes", False),
                 raw.get("values", ""), bits)


def parse_bits(text, reset):
    msb, lsb = (int(part) for part in text.split(":"))
    return Bits(lsb, msb - lsb + 1, reset)


# ---- C++ header ------------------------------------------------------------------------------------------------

def struct_text(name, registers, block):
    fields = [f for r in registers for f in r.fields]
    words = max(r.offset for r in registers) // 4 + 1
    out = [f"/// {block.comment}: one register group, one member per field." if name.endswith("Group") else
           f"/// {block.name}: look-up table settings, shared by both register groups.", f"struct {name} {{",
           f"  static constexpr Block kBlock = Block::{block.enumerator};",
           f"  static constexpr size_t kWords = {words};  ///< Words that decode and encode look at.", ""]
    for register in registers:
        for f in register.fields:
            unit = "  ///< In bytes, low bits zero on v1." if f.in_bytes else ""
            out.append(f"  uint32_t {f.member} = 0;{unit}")
    out += ["", f"  static {name} decode(std::span<const uint32_t> words, RegisterMap map);",
            "  void encode(std::span<uint32_t> words, RegisterMap map) const;"]
    for pair in address_pairs(fields):
        out.append(f"  uint64_t {pair[0]}() const {{ return uint64_t{{{pair[2]}}} << 32 | {pair[1]}; }}")
        out.append(f"  void set_{pair[0]}(uint64_t a) {{ {pair[1]} = uint32_t(a), {pair[2]} = uint32_t(a >> 32); }}")
    out += [f"  friend bool operator==(const {name}&, const {name}&) = default;", "};", ""]
    return out


def address_pairs(fields):
    """(accessor, low member, high member) of every 64-bit address that is split over two registers."""
    members = {f.member for f in fields}
    pairs = []
    for f in fields:
        if re.search(r"_low(_\d+)?$", f.member):
            high = re.sub(r"_low(_\d+)?$", lambda m: "_high" + (m[1] or ""), f.member)
            name = re.sub(r"_low(_\d+)?$", lambda m: m[1] or "", f.member)
            if high in members:
                pairs.append((name, f.member, high))
    return pairs


def header(blocks, values):
    out = [CPP_NOTE.format(source=SOURCE) + "// Register map: blocks, registers, fields, and one decoded struct a register group.",
           "#pragma once", "", "#include <array>", "#include <cstddef>", "#include <cstdint>", "#include <optional>",
           "#include <span>", "#include <string>", "#include <string_view>", "", "namespace medlar::hw {", "",
           "/// Sub-units of the chip that own a 4 KiB page of registers.", "enum class Block : uint8_t {"]
    for block in blocks:
        out.append(f"  {block.enumerator},  ///< {block.comment}.")
    out += ["};", f"inline constexpr size_t kBlockCount = {len(blocks)};",
            "inline constexpr std::array<Block, kBlockCount> kBlocks = {"]
    out += [f"    Block::{block.enumerator}," for block in blocks]
    out += ["};", ""]
    out += HEADER_BODY.splitlines() + [""]
    out += value_constants(values)
    for block in blocks:
        for name, registers in block.structs.items():
            out += struct_text(name, registers, block)
    out += ["}  // namespace medlar::hw"]
    return "\n".join(out) + "\n"


def value_constants(values):
    out = ["/// Named field values, e.g. value::kPrecisionFp16.", "namespace value {"]
    for key in sorted(values):
        if key in SWITCHES or key.startswith("gec_"):
            continue
        for name, number_ in values[key].items():
            out.append(f"inline constexpr uint32_t k{pascal(key)}{pascal(name.lower())} = {number_};")
    return out + ["}  // namespace value", ""]


HEADER_BODY = """\
/// Bytes of register space that one block owns.
inline constexpr uint32_t kBlockBytes = 0x1000;

/// Address map: kV1 is nv_full (nvdlav1), kV2 every later configuration.
enum class RegisterMap : uint8_t { kV1, kV2 };

enum class Access : uint8_t { kReadOnly, kReadWrite, kWriteOnly, kWriteOneToClear };

/// A named value of a field.
struct ValueName {
  std::string_view name;
  uint32_t value;
};

struct FieldInfo {
  std::string_view name;
  uint8_t lsb;
  uint8_t width;
  Access access;
  uint32_t reset;  ///< Value of the field after reset, not shifted.
  bool in_bytes;   ///< An address or stride: its value is the word with the bits below lsb zero.
  std::span<const ValueName> values;

  constexpr uint32_t mask() const { return (width == 32 ? ~0u : (1u << width) - 1) << lsb; }
  constexpr uint32_t get(uint32_t word) const { return in_bytes ? word & mask() : (word & mask()) >> lsb; }
};

struct RegisterInfo {
  std::string_view name;  ///< Without the block, e.g. "D_OP_ENABLE".
  uint32_t offset;        ///< In bytes from the base of the block.
  Access access;
  bool grouped;  ///< Double-buffered: S_POINTER.PRODUCER selects the copy.
  uint32_t reset;
  uint32_t writable_mask;
  std::span<const FieldInfo> fields;
};

/// A register together with where it lies.
struct RegisterRef {
  Block block;
  const RegisterInfo* info;
  uint32_t address;  ///< Byte address in the register space.
};

/// Byte address of the first register of a block; empty when the map lacks the block.
std::optional<uint32_t> block_base(Block block, RegisterMap map);
/// All registers of a block, ascending; empty when the map lacks the block.
std::span<const RegisterInfo> block_registers(Block block, RegisterMap map);
/// Name of a block as register dumps and traces spell it, e.g. "CMAC_A", "RBK".
std::string_view block_name(Block block);
/// The register at a byte address; empty for an address that no register has.
std::optional<RegisterRef> find_register(uint32_t address, RegisterMap map);
/// The register called "CDMA.D_OP_ENABLE", "NVDLA_CDMA.D_OP_ENABLE_0" or "RUBIK.D_OP_ENABLE".
std::optional<RegisterRef> find_register(std::string_view name, RegisterMap map);
/// The register at `offset` of a block.
const RegisterInfo* find_register(Block block, uint32_t offset, RegisterMap map);
/// "CDMA.D_MISC_CFG = 0x00001100 CONV_MODE=0(DIRECT) IN_PRECISION=1(INT16) ...".
std::string disassemble(Block block, uint32_t offset, uint32_t value, RegisterMap map);
/// Fills words[offset / 4] with the reset value of every register of the block.
void reset_words(Block block, RegisterMap map, std::span<uint32_t> words);
"""


# ---- C++ tables and codecs ----------------------------------------------------------------------------------------

def tables(blocks, values):
    out = [CPP_NOTE.format(source=SOURCE) + "// Register and field tables of both address maps.", '#include "hw/gen/registers.hpp"', "",
           "namespace medlar::hw {", "namespace {", ""]
    for key in sorted(values):
        names = ", ".join(f"{{{quoted(n)}, {v}}}" for n, v in values[key].items())
        out.append(f"constexpr ValueName kValues_{key}[] = {{{names}}};")
    out.append("")
    for block in blocks:
        out += block_tables(block)
    out += ["}  // namespace", ""]
    out += lookups(blocks)
    out += ["}  // namespace medlar::hw"]
    return "\n".join(out) + "\n"


def block_tables(block):
    out = []
    for register in block.registers:
        for which in ("v2",) + (("v1",) if register.differs() else ()):
            out.append(f"constexpr FieldInfo {field_table(block, register, which)}[] = {{")
            for f in register.fields:
                b = f.bits[which]
                out.append(f"    {{{quoted(f.name)}, {b.lsb}, {b.width}, Access::{ACCESS[f.access]}, {b.reset:#x}, "
                           f"{'true' if f.in_bytes else 'false'}, {'kValues_' + f.values if f.values else '{}'}}},")
            out.append("};")
    for which in MAPS:
        if block.base[which] is None:
            continue
        out.append(f"constexpr RegisterInfo kRegisters_{block.key}_{which}[] = {{")
        for r in block.registers:
            table = field_table(block, r, which if r.differs() else "v2")
            out.append(f"    {{{quoted(r.name)}, {r.offset:#x}, Access::{ACCESS[r.access()]}, "
                       f"{'true' if r.grouped else 'false'}, {r.reset(which):#x}, {r.writable(which):#x}, {table}}},")
        out.append("};")
    return out + [""]


def field_table(block, register, which):
    return f"kFields_{block.key}_{register.name.lower()}" + ("_v1" if which == "v1" else "")


def lookups(blocks):
    out = ["std::optional<uint32_t> block_base(Block block, RegisterMap map) {", "  switch (block) {"]
    for b in blocks:
        v1, v2 = (f"uint32_t{{{b.base[m]:#x}}}" if b.base[m] is not None else "std::nullopt" for m in MAPS)
        kind = "std::optional<uint32_t>"
        out += [f"    case Block::{b.enumerator}:", f"      return map == RegisterMap::kV1 ? {kind}({v1}) : {kind}({v2});"]
    out += ["  }", "  return std::nullopt;", "}", "",
            "std::span<const RegisterInfo> block_registers(Block block, RegisterMap map) {", "  switch (block) {"]
    for b in blocks:
        v1, v2 = (f"std::span<const RegisterInfo>({f'kRegisters_{b.key}_{m}' if b.base[m] is not None else ''})" for m in MAPS)
        out += [f"    case Block::{b.enumerator}:", f"      return map == RegisterMap::kV1 ? {v1} : {v2};"]
    out += ["  }", "  return {};", "}", "", "std::string_view block_name(Block block) {", "  switch (block) {"]
    for b in blocks:
        out += [f"    case Block::{b.enumerator}:", f"      return {quoted(b.name)};"]
    return out + ["  }", "  return {};", "}", ""]


def codecs(blocks):
    out = [CPP_NOTE.format(source=SOURCE) + "// Register words to decoded structs and back.", '#include "hw/gen/registers.hpp"', "",
           "namespace medlar::hw {", "namespace {", "",
           "/// A file shorter than the group reads as zero and drops what does not fit.",
           "uint32_t word(std::span<const uint32_t> words, size_t i) { return i < words.size() ? words[i] : 0; }",
           "void put(std::span<uint32_t> words, size_t i, uint32_t value) {", "  if (i < words.size()) {",
           "    words[i] = value;", "  }", "}", "", "}  // namespace", ""]
    for block in blocks:
        for name, registers in block.structs.items():
            out += codec(name, registers)
    out += ["}  // namespace medlar::hw"]
    return "\n".join(out) + "\n"


def codec(name, registers):
    differs = any(r.differs() and any(f.bits["v1"].mask != f.bits["v2"].mask for f in r.fields) for r in registers)
    unused = "" if differs else "/*map*/"
    head = "  const bool v1 = map == RegisterMap::kV1;" if differs else None
    out = [f"{name} {name}::decode(std::span<const uint32_t> words, RegisterMap {unused or 'map'}) {{"] + ([head] if head else [])
    out.append(f"  {name} g;")
    for r in registers:
        for f in r.fields:
            out.append(f"  g.{f.member} = {decode_expression(f, r.offset // 4)};")
    out += ["  return g;", "}", "", f"void {name}::encode(std::span<uint32_t> words, RegisterMap {unused or 'map'}) const {{"]
    out += [head] if head else []
    for r in registers:
        parts = " | ".join(encode_expression(f) for f in r.fields)
        out.append(f"  put(words, {r.offset // 4}, {parts});")
    return out + ["}", ""]


def constant(f, pick):
    a, b = pick(f.bits["v1"]), pick(f.bits["v2"])
    return f"{b:#x}u" if a == b else f"(v1 ? {a:#x}u : {b:#x}u)"


def decode_expression(f, index):
    if f.in_bytes:
        return f"word(words, {index}) & {constant(f, lambda b: b.mask)}"
    lsb = f.bits["v2"].lsb
    assert lsb == f.bits["v1"].lsb, f.name
    shifted = f"word(words, {index}) >> {lsb}" if lsb else f"word(words, {index})"
    return f"{shifted} & {constant(f, lambda b: mask(b.width))}"


def encode_expression(f):
    if f.in_bytes:
        return f"({f.member} & {constant(f, lambda b: b.mask)})"
    lsb = f.bits["v2"].lsb
    value = f"({f.member} & {constant(f, lambda b: mask(b.width))})"
    return f"{value} << {lsb}" if lsb else value


# ---- C header -----------------------------------------------------------------------------------------------------

def c_header(blocks, values):
    out = [C_NOTE.format(source=SOURCE) + "/* Register map for the kernel driver. Unqualified masks are those of the v2 map; fields that are",
           "   narrower on v1 have a second mask _V1_MASK. Address and stride fields keep their byte value (shift 0). */",
           "#ifndef MEDLAR_HW_GEN_NVDLA_REGS_H", "#define MEDLAR_HW_GEN_NVDLA_REGS_H", ""]
    for block in blocks:
        if block.key == "gec":  # the driver never touches the error collector
            continue
        prefix = f"NVDLA_{block.name}"
        out.append(f"/* {block.comment}. */")
        for which in MAPS:
            if block.base[which] is not None:
                out.append(f"#define {prefix}_BASE_{which.upper()} 0x{block.base[which]:x}u")
        for register in block.registers:
            out += c_register(prefix, register, values)
        out.append("")
    out.append("#endif")
    return "\n".join(out) + "\n"


def c_register(prefix, register, values):
    name = f"{prefix}_{register.name}"
    out = [f"#define {name} 0x{register.offset:x}u"]
    for f in register.fields:
        v1, v2 = f.bits["v1"], f.bits["v2"]
        full = f"{name}_{f.name}"
        out.append(f"#define {full}_SHIFT {0 if f.in_bytes else v2.lsb}")
        out.append(f"#define {full}_MASK 0x{v2.mask:x}u")
        if v1.mask != v2.mask:
            out.append(f"#define {full}_V1_MASK 0x{v1.mask:x}u")
        if f.values and f.values not in SWITCHES:
            out += [f"#define {full}_{value_name} {value}u" for value_name, value in values[f.values].items()]
    return out


def generate(spec_dir):
    blocks, values = load(spec_dir)
    return {"registers.hpp": header(blocks, values), "register_tables.cpp": tables(blocks, values),
            "register_groups.cpp": codecs(blocks), "nvdla_regs.h": c_header(blocks, values)}
