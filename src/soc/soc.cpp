// SPDX-License-Identifier: Apache-2.0
// The module.
#include "soc/soc.hpp"

#include <algorithm>

namespace medlar::soc {
namespace {

/// Memory of the host system beside a DRAM that is wholly the driver's carve-out (the open NVDLA boards).
constexpr uint64_t kHostSystemBytes = uint64_t{256} << 20;

}  // namespace

SocConfig SocConfig::of(const hw::DeviceProfile& profile) {
  SocConfig config;
  config.profile = std::string(profile.name);
  config.chip = profile.config;
  config.cores = profile.dla_cores;
  config.clock_khz = static_cast<uint32_t>(profile.mode().dla_hz / 1000);
  const bool all_cma = profile.cma_bytes >= profile.dram_bytes;
  config.memory.dram_bytes = profile.dram_bytes + (all_cma ? kHostSystemBytes : 0);
  config.memory.cma_bytes = std::min(profile.cma_bytes, profile.dram_bytes);
  config.memory.sram_bytes = profile.sram_bytes * (profile.sram_shared ? 1 : profile.dla_cores);
  return config;
}

Soc::Soc(const SocConfig& config, std::unique_ptr<Memory> memory)
    : config_(config), memory_(std::move(memory)), smmu_(*memory_) {
  for (uint32_t core = 0; core < config_.cores; ++core) {
    cores_.push_back(std::make_unique<Core>(config_, *memory_, smmu_, core));
  }
}

Result<std::unique_ptr<Soc>> Soc::create(const SocConfig& config) {
  if (config.chip == nullptr || config.cores == 0) {
    return fail(Code::kInvalidArgument, "profile {}: no chip configuration or no core", config.profile);
  }
  MEDLAR_ASSIGN(auto memory, Memory::create(config.memory));
  return std::unique_ptr<Soc>(new Soc(config, std::move(memory)));
}

Iova Soc::iova_limit() const {
  const uint64_t bits = std::min<uint64_t>(config_.chip->address_bits, PageTable::kIovaBits);
  return {uint64_t{1} << bits};
}

}  // namespace medlar::soc
