// SPDX-License-Identifier: Apache-2.0
#include "api/public/pools.hpp"

#include <algorithm>

#include "api/public/errors.hpp"

namespace medlar::door {
namespace {

void check(const BuilderConfig::State& config, MemoryPoolType pool, std::string_view name, uint64_t need) {
  const auto limit = config.pools.find(pool);
  if (limit != config.pools.end() && need > limit->second) {
    raise(ErrorCode::kResourceExhausted, "memory pool {}: the DLA needs {} bytes, the limit is {}", name, need, limit->second);
  }
}

}  // namespace

void check_pools(const BuilderConfig::State& config, const hw::DeviceProfile& device, const compiler::Plan& plan) {
  compiler::MemoryUse most;  // intermediates of one segment at a time, weights of all
  for (const compiler::Segment& segment : plan.segments) {
    if (segment.engine == compiler::Engine::kDla) {
      most.sram = std::max(most.sram, segment.memory.sram);
      most.intermediate = std::max(most.intermediate, segment.memory.intermediate);
      most.weights += segment.memory.weights;
    }
  }
  check(config, MemoryPoolType::kDlaManagedSram, "DLA_MANAGED_SRAM", most.sram);
  check(config, MemoryPoolType::kDlaLocalDram, "DLA_LOCAL_DRAM", most.intermediate);
  check(config, MemoryPoolType::kDlaGlobalDram, "DLA_GLOBAL_DRAM", most.weights);
  const auto sram = config.pools.find(MemoryPoolType::kDlaManagedSram);
  if (sram != config.pools.end() && sram->second > device.sram_bytes) {
    raise(ErrorCode::kResourceExhausted, "memory pool DLA_MANAGED_SRAM: a limit of {} bytes, {} has {}", sram->second, device.name,
          device.sram_bytes);
  }
}

}  // namespace medlar::door
