// SPDX-License-Identifier: Apache-2.0
#include "api/public/pools.hpp"

#include "api/build.hpp"
#include "api/public/errors.hpp"

namespace medlar::door {

uint64_t pool_limit(const BuilderConfig::State& config, MemoryPoolType pool) {
  const auto limit = config.pools.find(pool);
  if (limit != config.pools.end()) {
    return limit->second;
  }
  const api::MemoryPools defaults;
  switch (pool) {
    case MemoryPoolType::kDlaManagedSram:
      return defaults.managed_sram;
    case MemoryPoolType::kDlaLocalDram:
      return defaults.local_dram;
    case MemoryPoolType::kDlaGlobalDram:
      return defaults.global_dram;
    default:
      return profile_of(config.device).dram_bytes;
  }
}

void limit_memory(const BuilderConfig::State& config, const hw::DeviceProfile& device,
                  compiler::CompileOptions& options) {
  const uint64_t sram = pool_limit(config, MemoryPoolType::kDlaManagedSram);
  if (sram > device.sram_bytes) {
    raise(ErrorCode::kResourceExhausted, "memory pool DLA_MANAGED_SRAM: a limit of {} bytes, {} has {}", sram,
          device.name, device.sram_bytes);
  }
  options.max_intermediate_bytes = pool_limit(config, MemoryPoolType::kDlaLocalDram);
  options.max_weight_bytes = pool_limit(config, MemoryPoolType::kDlaGlobalDram);
  options.emit = {.images = true, .image_alignment = device.hwc4_alignment, .sram_bytes = sram};
}

}  // namespace medlar::door
