// SPDX-License-Identifier: Apache-2.0
#include "api/public/pools.hpp"

#include <algorithm>

#include "api/public/errors.hpp"
#include "loadable/loadable.hpp"

namespace medlar::door {
namespace {

/// Bytes that one loadable allocates, by pool.
struct Need {
  uint64_t sram = 0, local_dram = 0, global_dram = 0;
};

Need need_of(const loadable::Loadable& loadable) {
  Need need;
  for (const loadable::Memory& memory : loadable.memories) {
    if (memory.bindable()) {
      continue;
    }
    uint64_t& pool = memory.domain == loadable::Domain::kSram
                         ? need.sram
                         : (memory.has(loadable::kMemorySet) ? need.global_dram : need.local_dram);
    pool += memory.size;
  }
  return need;
}

void check(const BuilderConfig::State& config, MemoryPoolType pool, std::string_view name, uint64_t need) {
  const auto limit = config.pools.find(pool);
  if (limit != config.pools.end() && need > limit->second) {
    raise(ErrorCode::kResourceExhausted, "memory pool {}: the DLA needs {} bytes, the limit is {}", name, need, limit->second);
  }
}

}  // namespace

void check_pools(const BuilderConfig::State& config, const hw::DeviceProfile& device, const compiler::Plan& plan) {
  Need most;  // intermediates of one segment at a time, weights of all
  for (const compiler::Segment& segment : plan.segments) {
    if (segment.engine != compiler::Engine::kDla) {
      continue;
    }
    const Need need = need_of(take(loadable::read(segment.payload, "segment '" + segment.name + "'")));
    most.sram = std::max(most.sram, need.sram);
    most.local_dram = std::max(most.local_dram, need.local_dram);
    most.global_dram += need.global_dram;
  }
  check(config, MemoryPoolType::kDlaManagedSram, "DLA_MANAGED_SRAM", most.sram);
  check(config, MemoryPoolType::kDlaLocalDram, "DLA_LOCAL_DRAM", most.local_dram);
  check(config, MemoryPoolType::kDlaGlobalDram, "DLA_GLOBAL_DRAM", most.global_dram);
  const auto sram = config.pools.find(MemoryPoolType::kDlaManagedSram);
  if (sram != config.pools.end() && sram->second > device.sram_bytes) {
    raise(ErrorCode::kResourceExhausted, "memory pool DLA_MANAGED_SRAM: a limit of {} bytes, {} has {}", sram->second, device.name,
          device.sram_bytes);
  }
}

}  // namespace medlar::door
