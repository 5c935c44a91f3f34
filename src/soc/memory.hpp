// SPDX-License-Identifier: Apache-2.0
// The memories of the module: DRAM with its carve-outs, shares and CMA region, and on-chip SRAM.
#pragma once

#include "base/status.hpp"
#include "soc/address.hpp"
#include "soc/backing.hpp"
#include "soc/extents.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace medlar::soc {

/// DRAM that firmware, secure world or the operating system keeps.
struct CarveOut {
  std::string name;
  uint64_t bytes = 0;
};

struct MemoryConfig {
  uint64_t dram_bytes = 0;
  uint64_t cma_bytes = 0;
  uint64_t sram_bytes = 0;  ///< Of one bank; 0: the chip has no second port.
  uint32_t sram_banks = 1;  ///< One that all cores share, or one a core.
  uint64_t os_bytes = 0;    ///< Held by kernel and system services from the start.
  uint64_t cuda_bytes = 0;  ///< Share of GPU allocations.
  std::vector<CarveOut> carve_outs = {};
};

enum class Pool : uint8_t {
  kPages,       ///< DRAM, 4 KiB pages in any order.
  kContiguous,  ///< DRAM, one run from CMA.
  kSram,        ///< On-chip, one run.
  kCuda,        ///< DRAM, 4 KiB pages in any order out of the GPU's share.
};

/// Physical memory handed out; released by Memory::release.
struct Allocation {
  Pool pool = Pool::kPages;
  uint32_t bank = 0;  ///< Of SRAM.
  std::vector<Extent> extents = {};
  uint64_t bytes = 0;
};

/// Thread-safe. Fresh memory reads as zero.
///
///   dram_base ........................................................ dram_base + dram_bytes
///   | OS | CUDA share | page pool   | CMA               | carve-outs, first named lowest |
class Memory {
 public:
  static constexpr Phys kSramBase{0x4000'0000};  ///< Of bank 0.
  static constexpr uint64_t kSramBankStride = 0x1000'0000;
  static constexpr Phys kDramBase{0x8000'0000};

  static Result<std::unique_ptr<Memory>> create(const MemoryConfig& config);

  Result<Allocation> allocate(Pool pool, uint64_t bytes, uint64_t alignment = kPageBytes, uint32_t bank = 0);
  void release(const Allocation& allocation);

  /// Host view of physical memory; empty unless all of it is populated and neither a carve-out nor the OS's
  /// memory is touched.
  std::span<uint8_t> bytes(Phys base, uint64_t size);
  bool is_sram(Phys address) const { return address < kDramBase; }

  ExtentStats stats(Pool pool, uint32_t bank = 0) const;
  uint32_t sram_banks() const { return config_.sram_banks; }
  /// Carve-outs with their places.
  struct Region {
    std::string name;
    Extent extent;
  };
  const std::vector<Region>& regions() const { return regions_; }
  const MemoryConfig& config() const { return config_; }
  const Backing& dram() const { return *dram_; }

 private:
  explicit Memory(const MemoryConfig& config);
  const ExtentAllocator& pool(Pool which, uint32_t bank) const;
  ExtentAllocator& pool(Pool which, uint32_t bank);
  /// Backing of an address and how far it lies into it.
  std::pair<Backing*, uint64_t> place_of(Phys address) const;

  MemoryConfig config_;
  std::unique_ptr<Backing> dram_;
  std::vector<std::unique_ptr<Backing>> srams_;
  uint64_t usable_bytes_;  ///< DRAM below the carve-outs.
  std::vector<Region> regions_;
  mutable std::mutex mutex_;
  ExtentAllocator cuda_;
  ExtentAllocator pages_;
  ExtentAllocator cma_;
  std::vector<ExtentAllocator> sram_pools_;
};

}  // namespace medlar::soc
