// SPDX-License-Identifier: Apache-2.0
// A register program out of a fuzzer's bytes. What decides how long an operation takes is kept small; everything else is
// any value.
#pragma once

#include <string>
#include <vector>

#include "chip/chip.hpp"
#include "chip/play/flat_memory.hpp"
#include "fuzz/input.hpp"

namespace medlar::fuzz {

struct ChipProgram {
  struct Write {
    uint32_t address = 0;
    uint32_t value = 0;
  };
  const hw::HwConfig* config = nullptr;
  std::vector<Write> writes;
  uint32_t seed = 0;  ///< Of the memory's contents.
};

/// Fields whose product is the work of an operation.
inline bool is_size(std::string_view name) {
  for (const char* part : {"SIZE", "CUBE", "WIDTH", "HEIGHT", "CHANNEL", "KERNEL", "LINE_REPEAT", "SURF_REPEAT", "CFG_LINE", "ATOMICS",
                           "BATCH_NUMBER", "ENTRY", "RESERVED"}) {
    if (name.find(part) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

/// All but the top bit of each 16-bit half kept small: sizes of two fields are packed so.
inline uint32_t small(uint32_t value) { return value & 0x001f001f; }

inline const hw::HwConfig& any_config(Input& input) {
  const auto configs = hw::configs();
  return configs[input.choose(static_cast<uint32_t>(configs.size()))];
}

/// Any registers, any values.
inline ChipProgram hostile_program(Input& input) {
  ChipProgram program;
  program.config = &any_config(input);
  program.seed = input.byte();
  const hw::RegisterMap map = program.config->register_map;
  while (!input.empty() && program.writes.size() < 4096) {
    const auto block = hw::kBlocks[input.choose(static_cast<uint32_t>(hw::kBlocks.size()))];
    const auto base = hw::block_base(block, map);
    const auto registers = hw::block_registers(block, map);
    if (!base || registers.empty()) {
      continue;
    }
    const hw::RegisterInfo& info = registers[input.byte() % registers.size()];
    uint32_t value = input.value<uint32_t>();
    value = is_size(info.name) ? small(value) : value;
    const bool stray = input.choose(64) == 0;
    program.writes.push_back({*base + info.offset + (stray ? value % 64 : 0), stray ? value : value & info.writable_mask});
  }
  return program;
}

inline void fill_memory(chip::FlatMemory& memory, uint32_t seed) {
  std::vector<uint8_t> bytes(1 << 16);
  uint32_t state = seed * 2654435761u + 1;
  for (uint8_t& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<uint8_t>(state >> 24);
  }
  (void)memory.write(chip::Ram::kDram, 0, bytes);
  (void)memory.write(chip::Ram::kDram, 0x80000000, bytes);
  (void)memory.write(chip::Ram::kSram, 0x50000000, bytes);
}

}  // namespace medlar::fuzz
