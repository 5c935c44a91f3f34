// SPDX-License-Identifier: Apache-2.0
// The memories of the module.
#include "soc/memory.hpp"

#include "base/checked.hpp"

#include <utility>

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
  return config.dram_bytes - reserved_bytes(config) - config.cma_bytes - config.os_bytes - config.cuda_bytes;
}

bool page_multiple(const MemoryConfig& config) {
  return (config.dram_bytes | config.cma_bytes | config.sram_bytes | config.os_bytes | config.cuda_bytes) %
             kPageBytes ==
         0;
}

}  // namespace

Memory::Memory(const MemoryConfig& config)
    : config_(config),
      usable_bytes_(config.dram_bytes - reserved_bytes(config)),
      cuda_("CUDA share", kDramBase.value + config.os_bytes, config.cuda_bytes, kPageBytes),
      pages_("DRAM", kDramBase.value + config.os_bytes + config.cuda_bytes, pool_bytes(config), kPageBytes),
      cma_("CMA", kDramBase.value + usable_bytes_ - config.cma_bytes, config.cma_bytes, kPageBytes) {
  for (uint32_t bank = 0; bank < config.sram_banks; ++bank) {
    const std::string name = config.sram_banks > 1 ? "SRAM " + std::to_string(bank) : "SRAM";
    sram_pools_.emplace_back(name, kSramBase.value + bank * kSramBankStride, config.sram_bytes, kPageBytes);
  }
  Phys at = kDramBase;
  const auto add = [&](const std::string& name, uint64_t bytes) {
    if (bytes != 0) {
      regions_.push_back({name, {at, bytes}});
      at = at + bytes;
    }
  };
  add("os", config.os_bytes);
  add("cuda", config.cuda_bytes);
  add("pages", pool_bytes(config));
  add("cma", config.cma_bytes);
  for (const CarveOut& carve_out : config.carve_outs) {
    add(carve_out.name, round_up(carve_out.bytes, kPageBytes));
  }
}

Result<std::unique_ptr<Memory>> Memory::create(const MemoryConfig& config) {
  if (!page_multiple(config)) {
    return fail(Code::kInvalidArgument, "memory sizes must be multiples of {} bytes", kPageBytes);
  }
  const uint64_t banks = (kDramBase.value - kSramBase.value) / kSramBankStride;
  if (config.sram_bytes > kSramBankStride || config.sram_banks == 0 || config.sram_banks > banks) {
    return fail(Code::kInvalidArgument, "{} SRAM banks of {} bytes, the aperture has {} of {}", config.sram_banks,
                config.sram_bytes, banks, kSramBankStride);
  }
  const uint64_t taken = reserved_bytes(config) + config.cma_bytes + config.os_bytes + config.cuda_bytes;
  if (taken >= config.dram_bytes) {
    return fail(Code::kInvalidArgument,
                "carve-outs ({} bytes), CMA ({}), OS ({}) and CUDA share ({}) leave nothing of {} bytes of DRAM",
                reserved_bytes(config), config.cma_bytes, config.os_bytes, config.cuda_bytes, config.dram_bytes);
  }
  std::unique_ptr<Memory> memory(new Memory(config));
  MEDLAR_ASSIGN(memory->dram_, Backing::create("medlar-dram", config.dram_bytes));
  for (uint32_t bank = 0; bank < config.sram_banks && config.sram_bytes != 0; ++bank) {
    MEDLAR_ASSIGN(memory->srams_.emplace_back(), Backing::create("medlar-sram", config.sram_bytes));
  }
  return memory;
}

const ExtentAllocator& Memory::pool(Pool which, uint32_t bank) const {
  switch (which) {
    case Pool::kPages:
      return pages_;
    case Pool::kContiguous:
      return cma_;
    case Pool::kCuda:
      return cuda_;
    default:
      return sram_pools_.at(bank);
  }
}

ExtentAllocator& Memory::pool(Pool which, uint32_t bank) {
  return const_cast<ExtentAllocator&>(std::as_const(*this).pool(which, bank));
}

Result<Allocation> Memory::allocate(Pool which, uint64_t bytes, uint64_t alignment, uint32_t bank) {
  const std::lock_guard lock(mutex_);
  Allocation result{.pool = which, .bank = bank, .extents = {}, .bytes = bytes};
  if (which == Pool::kPages || which == Pool::kCuda) {
    MEDLAR_ASSIGN(auto runs, pool(which, bank).allocate_scattered(bytes));
    for (const ExtentAllocator::Run& run : runs) {
      result.extents.push_back({{run.start}, run.size});
    }
    return result;
  }
  MEDLAR_ASSIGN(auto run, pool(which, bank).allocate(bytes, alignment));
  result.extents.push_back({{run.start}, run.size});
  return result;
}

void Memory::release(const Allocation& allocation) {
  const std::lock_guard lock(mutex_);
  for (const Extent& extent : allocation.extents) {
    const auto [backing, offset] = place_of(extent.base);
    backing->discard(offset, extent.bytes);
    (void)pool(allocation.pool, allocation.bank).release(extent.base.value);
  }
}

std::pair<Backing*, uint64_t> Memory::place_of(Phys address) const {
  if (!is_sram(address)) {
    return {dram_.get(), address.value - kDramBase.value};
  }
  const uint64_t offset = address.value - kSramBase.value;
  const uint64_t bank = offset / kSramBankStride;
  return address < kSramBase || bank >= srams_.size()
             ? std::pair<Backing*, uint64_t>{nullptr, 0}
             : std::pair{srams_[bank].get(), offset % kSramBankStride};
}

std::span<uint8_t> Memory::bytes(Phys base, uint64_t size) {
  const auto [backing, offset] = place_of(base);
  if (backing == nullptr) {
    return {};
  }
  const bool reserved = backing == dram_.get() && offset < config_.os_bytes;
  const uint64_t limit = backing == dram_.get() ? usable_bytes_ : backing->size();
  return !reserved && range_inside(offset, size, limit) ? backing->bytes().subspan(offset, size)
                                                        : std::span<uint8_t>{};
}

ExtentStats Memory::stats(Pool which, uint32_t bank) const {
  const std::lock_guard lock(mutex_);
  return pool(which, bank).stats();
}

}  // namespace medlar::soc
