// SPDX-License-Identifier: Apache-2.0
// The memories of the module.
#include "soc/memory.hpp"

#include "base/checked.hpp"

namespace medlar::soc {
namespace {

uint64_t reserved_bytes(const MemoryConfig& config) {
  uint64_t total = 0;
  for (const CarveOut& carve_out : config.carve_outs) {
    total += round_up(carve_out.bytes, kPageBytes);
  }
  return total;
}

uint64_t pool_bytes(const MemoryConfig& config) {
  return config.dram_bytes - reserved_bytes(config) - config.cma_bytes;
}

}  // namespace

Memory::Memory(const MemoryConfig& config)
    : config_(config),
      usable_bytes_(config.dram_bytes - reserved_bytes(config)),
      pages_("DRAM", kDramBase.value, pool_bytes(config), kPageBytes),
      cma_("CMA", kDramBase.value + pool_bytes(config), config.cma_bytes, kPageBytes),
      sram_pool_("SRAM", kSramBase.value, config.sram_bytes, kPageBytes) {
  regions_.push_back({"pages", {kDramBase, pool_bytes(config)}});
  regions_.push_back({"cma", {kDramBase + pool_bytes(config), config.cma_bytes}});
  Phys at = kDramBase + usable_bytes_;
  for (const CarveOut& carve_out : config.carve_outs) {
    regions_.push_back({carve_out.name, {at, round_up(carve_out.bytes, kPageBytes)}});
    at = at + regions_.back().extent.bytes;
  }
}

Result<std::unique_ptr<Memory>> Memory::create(const MemoryConfig& config) {
  const uint64_t limit = kDramBase.value - kSramBase.value;
  if (config.dram_bytes % kPageBytes != 0 || config.cma_bytes % kPageBytes != 0 ||
      config.sram_bytes % kPageBytes != 0) {
    return fail(Code::kInvalidArgument, "memory sizes must be multiples of {} bytes", kPageBytes);
  }
  if (config.sram_bytes > limit) {
    return fail(Code::kInvalidArgument, "SRAM of {} bytes, the aperture has {}", config.sram_bytes, limit);
  }
  if (reserved_bytes(config) + config.cma_bytes >= config.dram_bytes) {
    return fail(Code::kInvalidArgument,
                "carve-outs ({} bytes) and CMA ({}) leave nothing of {} bytes of DRAM",
                reserved_bytes(config), config.cma_bytes, config.dram_bytes);
  }
  std::unique_ptr<Memory> memory(new Memory(config));
  MEDLAR_ASSIGN(memory->dram_, Backing::create("medlar-dram", config.dram_bytes));
  if (config.sram_bytes != 0) {
    MEDLAR_ASSIGN(memory->sram_, Backing::create("medlar-sram", config.sram_bytes));
  }
  return memory;
}

ExtentAllocator& Memory::pool(Pool which) {
  return which == Pool::kPages ? pages_ : which == Pool::kContiguous ? cma_ : sram_pool_;
}

Result<Allocation> Memory::allocate(Pool which, uint64_t bytes, uint64_t alignment) {
  const std::lock_guard lock(mutex_);
  Allocation result{.pool = which, .bytes = bytes};
  if (which == Pool::kPages) {
    MEDLAR_ASSIGN(auto runs, pages_.allocate_scattered(bytes));
    for (const ExtentAllocator::Run& run : runs) {
      result.extents.push_back({{run.start}, run.size});
    }
    return result;
  }
  MEDLAR_ASSIGN(auto run, pool(which).allocate(bytes, alignment));
  result.extents.push_back({{run.start}, run.size});
  return result;
}

void Memory::release(const Allocation& allocation) {
  const std::lock_guard lock(mutex_);
  for (const Extent& extent : allocation.extents) {
    Backing& backing = allocation.pool == Pool::kSram ? *sram_ : *dram_;
    const Phys base = allocation.pool == Pool::kSram ? kSramBase : kDramBase;
    backing.discard(extent.base.value - base.value, extent.bytes);
    (void)pool(allocation.pool).release(extent.base.value);
  }
}

std::span<uint8_t> Memory::bytes(Phys base, uint64_t size) {
  if (!is_sram(base)) {
    const uint64_t offset = base.value - kDramBase.value;
    return range_inside(offset, size, usable_bytes_) ? dram_->bytes().subspan(offset, size)
                                                     : std::span<uint8_t>{};
  }
  if (base < kSramBase || !range_inside(base.value - kSramBase.value, size, config_.sram_bytes) || !sram_) {
    return {};
  }
  return sram_->bytes().subspan(base.value - kSramBase.value, size);
}

ExtentStats Memory::stats(Pool which) const {
  const std::lock_guard lock(mutex_);
  return (which == Pool::kPages ? pages_ : which == Pool::kContiguous ? cma_ : sram_pool_).stats();
}

}  // namespace medlar::soc
