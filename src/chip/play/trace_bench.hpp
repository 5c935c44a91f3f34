// SPDX-License-Identifier: Apache-2.0
// What both trace formats drive: a chip over flat memory, with the tolerance of the test bench's bus.
#pragma once

#include "chip/chip.hpp"
#include "chip/play/flat_memory.hpp"

namespace medlar::chip {

/// NVIDIA's traces write random reserved bits and all read-only registers; the hardware ignores both, and so does this
/// bench. The chip itself stays strict.
class TraceBench {
 public:
  explicit TraceBench(const hw::HwConfig& config) : config_(config), chip_(config, memory_) {}

  /// A write to a busy group runs operations until the group is free.
  Status write(uint32_t address, uint32_t value);
  Result<uint32_t> read(uint32_t address) { return chip_.read_register(address); }
  Result<bool> step() { return chip_.step(); }
  Status run_all();

  Status load(Ram ram, uint64_t address, ByteView bytes) { return memory_.write(ram, address, bytes); }
  Status fill(Ram ram, uint64_t address, uint64_t size, uint8_t value);
  Result<ByteBuffer> dump(Ram ram, uint64_t address, uint64_t size);
  /// Compares memory with `want`.
  Status compare(Ram ram, uint64_t address, ByteView want, std::string_view name);

  const Chip& chip() const { return chip_; }

 private:
  const hw::HwConfig& config_;
  FlatMemory memory_;
  Chip chip_;
};

}  // namespace medlar::chip
