// SPDX-License-Identifier: Apache-2.0
// Translation tables of one context bank: three levels of 512 entries in simulated DRAM, walked entry by
// entry.
#pragma once

#include "soc/memory.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace medlar::soc {

/// What a leaf entry says.
struct Leaf {
  Phys base;           ///< Of the page.
  uint64_t bytes = 0;  ///< 4 KiB or 2 MiB.
  bool writable = false;
};

/// Not thread-safe (the SMMU locks). Table pages come from the page pool and go back with the object.
///
///   IOVA bits  38..30 level 1 | 29..21 level 2 (2 MiB leaves) | 20..12 level 3 (4 KiB leaves) | 11..0
class PageTable {
 public:
  static constexpr uint64_t kIovaBits = 39;

  static Result<std::unique_ptr<PageTable>> create(Memory& memory);
  ~PageTable();
  PageTable(const PageTable&) = delete;
  PageTable& operator=(const PageTable&) = delete;

  /// Maps whole pages; 2 MiB leaves where both sides are aligned. Fails on a page that is mapped already.
  Status map(Iova iova, Extent extent, bool writable);
  /// Unmaps exactly what one or more map calls mapped.
  void unmap(Iova iova, uint64_t bytes);
  std::optional<Leaf> walk(Iova iova) const;

  Phys root() const { return root_; }
  uint64_t table_pages() const { return tables_.size(); }

 private:
  explicit PageTable(Memory& memory) : memory_(memory) {}
  Result<Phys> new_table();
  uint64_t* entry(Phys table, Iova iova, int level) const;
  Result<uint64_t*> entry_for_map(Iova iova, int level);
  Status map_leaf(Iova iova, Phys phys, uint64_t bytes, bool writable);

  Memory& memory_;
  Phys root_;
  std::vector<Allocation> tables_;
};

}  // namespace medlar::soc
