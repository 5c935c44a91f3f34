// SPDX-License-Identifier: Apache-2.0
// The memories of the module: DRAM with its carve-outs, CMA region and page pool, and on-chip SRAM.
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
  uint64_t sram_bytes = 0;  ///< 0: the chip has no second port.
  std::vector<CarveOut> carve_outs = {};
};

enum class Pool : uint8_t {
  kPages,       ///< DRAM, 4 KiB pages in any order.
  kContiguous,  ///< DRAM, one run from CMA.
  kSram,        ///< On-chip, one run.
};

/// Physical memory handed out; released by Memory::release.
struct Allocation {
  Pool pool = Pool::kPages;
  std::vector<Extent> extents = {};
  uint64_t bytes = 0;
};

/// Thread-safe. Fresh memory reads as zero.
///
///   dram_base ........................................................ dram_base + dram_bytes
///   | page pool                    | CMA               | carve-outs, first named lowest |
class Memory {
 public:
  static constexpr Phys kSramBase{0x4000'0000};
  static constexpr Phys kDramBase{0x8000'0000};

  static Result<std::unique_ptr<Memory>> create(const MemoryConfig& config);

  Result<Allocation> allocate(Pool pool, uint64_t bytes, uint64_t alignment = kPageBytes);
  void release(const Allocation& allocation);

  /// Host view of physical memory; empty unless all of it is populated and no carve-out is touched.
  std::span<uint8_t> bytes(Phys base, uint64_t size);
  bool is_sram(Phys address) const { return address < kDramBase; }

  ExtentStats stats(Pool pool) const;
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
  ExtentAllocator& pool(Pool which);

  MemoryConfig config_;
  std::unique_ptr<Backing> dram_;
  std::unique_ptr<Backing> sram_;
  uint64_t usable_bytes_;  ///< DRAM below the carve-outs.
  std::vector<Region> regions_;
  mutable std::mutex mutex_;
  ExtentAllocator pages_;
  ExtentAllocator cma_;
  ExtentAllocator sram_pool_;
};

}  // namespace medlar::soc
