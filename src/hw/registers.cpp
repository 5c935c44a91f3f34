// SPDX-License-Identifier: Apache-2.0
// Register lookups by address and by name, and the disassembler.
#include "hw/gen/registers.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace medlar::hw {
namespace {

/// Register dumps and the driver say RBK, traces and interrupts RUBIK.
bool names_block(std::string_view name, Block block) {
  return name == block_name(block) || (block == Block::kRubik && name == "RUBIK");
}

const RegisterInfo* find_by_name(std::span<const RegisterInfo> registers, std::string_view name) {
  const auto it =
      std::find_if(registers.begin(), registers.end(), [&](const auto& r) { return r.name == name; });
  return it == registers.end() ? nullptr : &*it;
}

/// Traces append "_0", the instance number of the block; some registers end in "_0" by themselves.
const RegisterInfo* find_spelling(std::span<const RegisterInfo> registers, std::string_view name,
                                  bool trace_style) {
  const RegisterInfo* plain = find_by_name(registers, name);
  const RegisterInfo* stripped =
      name.ends_with("_0") ? find_by_name(registers, name.substr(0, name.size() - 2)) : nullptr;
  const RegisterInfo* first = trace_style ? stripped : plain;
  return first ? first : (trace_style ? plain : stripped);
}

/// Name of a field's value; empty when it has none.
std::string_view value_name(const FieldInfo& field, uint32_t value) {
  const auto it =
      std::find_if(field.values.begin(), field.values.end(), [&](const auto& v) { return v.value == value; });
  return it == field.values.end() ? std::string_view{} : it->name;
}

}  // namespace

const RegisterInfo* find_register(Block block, uint32_t offset, RegisterMap map) {
  const auto registers = block_registers(block, map);
  const auto it = std::lower_bound(registers.begin(), registers.end(), offset,
                                   [](const RegisterInfo& r, uint32_t wanted) { return r.offset < wanted; });
  return it != registers.end() && it->offset == offset ? &*it : nullptr;
}

std::optional<RegisterRef> find_register(uint32_t address, RegisterMap map) {
  for (Block block : kBlocks) {
    const auto base = block_base(block, map);
    if (!base || address < *base || address - *base >= kBlockBytes) {
      continue;
    }
    const RegisterInfo* info = find_register(block, address - *base, map);
    return info ? std::optional(RegisterRef{block, info, address}) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<RegisterRef> find_register(std::string_view name, RegisterMap map) {
  constexpr std::string_view kPrefix = "NVDLA_";
  const bool trace_style = name.starts_with(kPrefix);
  if (trace_style) {
    name.remove_prefix(kPrefix.size());
  }
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view block_part = name.substr(0, dot);
  std::string_view register_part = name.substr(dot + 1);
  for (Block block : kBlocks) {
    const auto base = block_base(block, map);
    if (!base || !names_block(block_part, block)) {
      continue;
    }
    const auto registers = block_registers(block, map);
    const RegisterInfo* info = find_spelling(registers, register_part, trace_style);
    return info ? std::optional(RegisterRef{block, info, *base + info->offset}) : std::nullopt;
  }
  return std::nullopt;
}

std::string disassemble(Block block, uint32_t offset, uint32_t value, RegisterMap map) {
  const RegisterInfo* info = find_register(block, offset, map);
  if (!info) {
    return fmt::format("{}+{:#x} = {:#010x} (no such register)", block_name(block), offset, value);
  }
  std::string text = fmt::format("{}.{} = {:#010x}", block_name(block), info->name, value);
  uint32_t known = 0;
  for (const FieldInfo& field : info->fields) {
    known |= field.mask();
    const uint32_t v = field.get(value);
    const std::string_view named = value_name(field, v);
    text += field.width > 10 ? fmt::format(" {}={:#x}", field.name, v) : fmt::format(" {}={}", field.name, v);
    if (!named.empty()) {
      text += fmt::format("({})", named);
    }
  }
  if ((value & ~known) != 0) {
    text += fmt::format(" reserved={:#x}", value & ~known);
  }
  return text;
}

void reset_words(Block block, RegisterMap map, std::span<uint32_t> words) {
  for (const RegisterInfo& info : block_registers(block, map)) {
    if (info.offset / 4 < words.size()) {
      words[info.offset / 4] = info.reset;
    }
  }
}

}  // namespace medlar::hw
