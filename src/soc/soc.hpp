// SPDX-License-Identifier: Apache-2.0
// The module: its memories, the SMMU, the register bus, and one chip a core behind its own stream, interrupt line and
// power domain.
#pragma once

#include "chip/chip.hpp"
#include "hw/device.hpp"
#include "soc/memory.hpp"
#include "soc/memory_port.hpp"
#include "soc/mmio_bus.hpp"
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
  /// At least one; the clock of the cores follows the current one.
  std::vector<hw::PowerMode> modes;
  uint32_t mode = 0;
  const hw::Platform* platform = nullptr;  ///< Names, addresses, lines and delays.
  uint32_t max_loadables = 16;             ///< Of a core.
  MemoryConfig memory;

  static SocConfig of(const hw::DeviceProfile& profile);
};

/// An engine beside the DLA that reads and writes shared memory: its stream and its port.
struct PeerEngine {
  std::string_view name;  ///< "gpu", "cpu", "isp", "vi"
  std::unique_ptr<SocMemoryPort> port;
};

/// Memory and SMMU may be used from any thread; a chip and a port from one thread at a time.
class Soc {
 public:
  static Result<std::unique_ptr<Soc>> create(const SocConfig& config);

  const SocConfig& config() const { return config_; }
  Memory& memory() { return *memory_; }
  Smmu& smmu() { return smmu_; }
  /// Cores are numbered from 0; a core's stream has its number plus 1.
  chip::Chip& chip(uint32_t core) { return cores_[core]->chip; }
  static constexpr StreamId stream_of(uint32_t core) { return core + 1; }
  PowerDomain& power(uint32_t core) { return cores_[core]->power; }
  const MmioBus& bus() const { return bus_; }
  /// Where a core's registers begin on the bus.
  uint64_t base_of(uint32_t core) const { return config_.platform->base[core]; }
  Traffic traffic(uint32_t core) const { return cores_[core]->port.traffic(); }
  /// "15880000.nvdla0", as the device tree makes it.
  std::string device_name(uint32_t core) const;
  const std::vector<PeerEngine>& peers() const { return peers_; }

  /// Power mode of the module: clocks of the cores and of DRAM.
  const hw::PowerMode& mode() const { return config_.modes[mode_]; }
  Status set_mode(std::string_view name);
  /// IOVAs that the chip can express, exclusive.
  Iova iova_limit() const;

 private:
  struct Core {
    Core(const SocConfig& config, Memory& memory, Smmu& smmu, uint32_t core)
        : port(memory, smmu, stream_of(core)),
          chip(*config.chip, port),
          power(std::string(config.platform->power_domains[core])) {}
    SocMemoryPort port;
    chip::Chip chip;
    PowerDomain power;
  };

  Soc(const SocConfig& config, std::unique_ptr<Memory> memory);

  SocConfig config_;
  std::unique_ptr<Memory> memory_;
  Smmu smmu_;
  std::vector<std::unique_ptr<Core>> cores_;
  std::vector<PeerEngine> peers_;
  MmioBus bus_;
  std::atomic<uint32_t> mode_;
};

}  // namespace medlar::soc
