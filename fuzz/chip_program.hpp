// SPDX-License-Identifier: Apache-2.0
// A register program for the chip's fuzzers, how it is written, and how it is made hostile.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "chip/chip.hpp"
#include "chip/chip_target.hpp"
#include "fuzz/chip_memory.hpp"
#include "fuzz/input.hpp"

namespace medlar::fuzz {

struct ChipProgram {
  struct Write {
    uint32_t address = 0;
    uint32_t value = 0;
    const hw::RegisterInfo* info = nullptr;
  };
  /// What memory must hold beside its random contents.
  struct Blob {
    uint64_t address = 0;
    std::vector<uint8_t> bytes;
  };
  const hw::HwConfig* config = nullptr;
  std::vector<Blob> blobs;
  std::vector<std::vector<Write>> operations;  ///< Run one after the other.
  uint8_t seed = 0;                            ///< Of the memory's contents.
};

/// Registers by name, looked up once.
inline const std::optional<hw::RegisterRef>& named_register(const std::string& name, hw::RegisterMap map) {
  static std::array<std::map<std::string, std::optional<hw::RegisterRef>>, 2> known;
  auto& names = known[map == hw::RegisterMap::kV1 ? 0 : 1];
  const auto found = names.find(name);
  return found != names.end() ? found->second : names.emplace(name, hw::find_register(name, map)).first->second;
}

class ProgramWriter {
 public:
  ProgramWriter(Input& input, ChipProgram& program) : input_(input), program_(program) { program.operations.emplace_back(); }

  /// Sets a whole register; absent in this map: nothing.
  void set(const std::string& name, uint32_t value) {
    if (const auto& found = named_register(name, program_.config->register_map)) {
      program_.operations.back().push_back({found->address, value, found->info});
    }
  }
  /// Any value in its writable bits.
  void any(const std::string& name) {
    if (const auto& found = named_register(name, program_.config->register_map)) {
      program_.operations.back().push_back({found->address, input_.value<uint32_t>() & found->info->writable_mask, found->info});
    }
  }
  /// Registers of these units go to the group that runs next: operations before this one were `rounds`.
  void start(std::initializer_list<const char*> blocks, uint32_t rounds) {
    for (const char* block : blocks) {
      set(std::string(block) + ".S_POINTER", rounds % 2);
    }
  }
  void enable(std::initializer_list<const char*> blocks) {
    for (const char* block : blocks) {
      set(std::string(block) + ".D_OP_ENABLE", 1);
    }
  }
  void memory(uint64_t address, std::vector<uint8_t> bytes) { program_.blobs.push_back({address, std::move(bytes)}); }
  Input& input() { return input_; }
  const hw::HwConfig& config() const { return *program_.config; }

 private:
  Input& input_;
  ChipProgram& program_;
};

inline const hw::HwConfig& any_config(Input& input) {
  const auto configs = hw::configs();
  return configs[input.choose(static_cast<uint32_t>(configs.size()))];
}

/// Fields whose product is the work of an operation.
inline bool is_size(std::string_view name) {
  for (const char* part : {"SIZE", "CUBE", "WIDTH", "HEIGHT", "CHANNEL", "KERNEL", "LINE_REPEAT", "SURF_REPEAT", "CFG_LINE", "ATOMICS",
                           "BATCH_NUMBER", "ENTRY", "RESERVED", "DECONV"}) {
    if (name.find(part) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

/// Sizes of two fields are packed in 16-bit halves.
inline uint32_t small(uint32_t value) { return value & 0x00070007; }

inline ChipProgram::Write any_write(Input& input, const hw::HwConfig& config) {
  const auto block = hw::kBlocks[input.choose(static_cast<uint32_t>(hw::kBlocks.size()))];
  const auto base = hw::block_base(block, config.register_map);
  const auto registers = hw::block_registers(block, config.register_map);
  if (!base || registers.empty()) {
    return {};
  }
  const hw::RegisterInfo& info = registers[input.byte() % registers.size()];
  const auto value = input.value<uint32_t>() & info.writable_mask;
  return {*base + info.offset, is_size(info.name) ? small(value) : value, &info};
}

/// Changes some writes: other bits of their fields, any value at all, dropped, repeated, moved, or registers that the program
/// does not know. One size may be anything, the others stay small.
inline void make_hostile(Input& input, ChipProgram& program) {
  auto& writes = program.operations[input.choose(static_cast<uint32_t>(program.operations.size()))];
  const uint32_t changes = 1 + input.choose(6);
  bool large = input.choose(8) == 0;
  for (uint32_t i = 0; i < changes && !writes.empty(); ++i) {
    const size_t at = input.value<uint16_t>() % writes.size();
    ChipProgram::Write& write = writes[at];
    const uint32_t value = input.value<uint32_t>();
    switch (input.choose(6)) {
      case 0:
        writes.erase(writes.begin() + static_cast<ptrdiff_t>(at));
        break;
      case 1:
        writes.push_back(write);
        break;
      case 2:
        writes.insert(writes.begin() + static_cast<ptrdiff_t>(at), any_write(input, *program.config));
        break;
      case 3:
        write.address += value % 64;
        break;
      default: {
        const bool size = write.info != nullptr && is_size(write.info->name);
        const uint32_t bits = size && !large ? small(value) : value;
        large = large && !size;
        write.value = (input.choose(4) == 0 ? bits : write.value ^ bits) & (write.info != nullptr ? write.info->writable_mask : ~0u);
        break;
      }
    }
  }
}

/// Any registers, any values.
inline ChipProgram random_program(Input& input) {
  ChipProgram program;
  program.config = &any_config(input);
  program.seed = input.byte();
  program.operations.emplace_back();
  while (!input.empty() && program.operations.back().size() < 256) {
    ChipProgram::Write write = any_write(input, *program.config);
    if (input.choose(64) == 0) {  // strays
      write.address += input.byte();
      write.value = input.value<uint32_t>();
    }
    program.operations.back().push_back(write);
  }
  return program;
}

/// A chip of its own over a memory of its own, used again and again.
class Side {
 public:
  Side(const hw::HwConfig& config, std::string_view isa, size_t pages) : memory_(pages), chip_(config, memory_, isa) {}

  void restart(const ChipProgram& program, bool views) {
    chip_.reset();
    memory_.restart(program.seed, views);
    for (const ChipProgram::Blob& blob : program.blobs) {
      require(memory_.write(chip::Ram::kDram, blob.address, blob.bytes).has_value());
    }
  }
  chip::Chip& chip() { return chip_; }
  PagedMemory& memory() { return memory_; }

 private:
  PagedMemory memory_;
  chip::Chip chip_;
};

/// The side of a configuration and vector unit; made when it is first asked for.
inline Side& side_of(const hw::HwConfig& config, std::string_view isa, size_t pages) {
  static std::map<std::pair<std::string_view, std::string_view>, std::unique_ptr<Side>> sides;
  std::unique_ptr<Side>& side = sides[{config.name, isa}];
  if (!side) {
    side = std::make_unique<Side>(config, isa, pages);
  }
  return *side;
}

}  // namespace medlar::fuzz
