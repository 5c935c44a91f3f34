// SPDX-License-Identifier: Apache-2.0
// The module: its memories, the SMMU and one chip a core behind its own stream.
#pragma once

#include "chip/chip.hpp"
#include "hw/device.hpp"
#include "soc/memory.hpp"
#include "soc/memory_port.hpp"
#include "soc/smmu.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace medlar::soc {

struct SocConfig {
  std::string profile;  ///< Name for people.
  const hw::HwConfig* chip = nullptr;
  uint32_t cores = 1;
  uint32_t clock_khz = 0;
  MemoryConfig memory;

  static SocConfig of(const hw::DeviceProfile& profile);
};

/// Memory and SMMU may be used from any thread; a chip from one thread at a time.
class Soc {
 public:
  static Result<std::unique_ptr<Soc>> create(const SocConfig& config);

  const SocConfig& config() const { return config_; }
  Memory& memory() { return *memory_; }
  Smmu& smmu() { return smmu_; }
  /// Cores are numbered from 0; a core's stream has its number plus 1.
  chip::Chip& chip(uint32_t core) { return cores_[core]->chip; }
  static constexpr StreamId stream_of(uint32_t core) { return core + 1; }
  /// IOVAs that the chip can express, exclusive.
  Iova iova_limit() const;

 private:
  struct Core {
    Core(const SocConfig& config, Memory& memory, Smmu& smmu, uint32_t core)
        : port(memory, smmu, stream_of(core)), chip(*config.chip, port) {}
    SocMemoryPort port;
    chip::Chip chip;
  };

  Soc(const SocConfig& config, std::unique_ptr<Memory> memory);

  SocConfig config_;
  std::unique_ptr<Memory> memory_;
  Smmu smmu_;
  std::vector<std::unique_ptr<Core>> cores_;
};

}  // namespace medlar::soc
