// SPDX-License-Identifier: Apache-2.0
// Memory for players and tests: DRAM and SRAM as sparse pages over the whole 64-bit space.
#pragma once

#include <array>
#include <memory>
#include <unordered_map>

#include "base/bytes.hpp"
#include "chip/memory/memory_port.hpp"

namespace medlar::chip {

class FlatMemory final : public MemoryPort {
 public:
  /// Bytes never written read as `fill`. At most `max_pages` pages of kPageBytes are ever created.
  explicit FlatMemory(uint8_t fill = 0, size_t max_pages = 4096) : fill_(fill), max_pages_(max_pages) {}

  static constexpr uint64_t kPageBytes = uint64_t{1} << 20;

  /// Off: no range can be seen in place, as in an address space of scattered pages.
  void allow_views(bool allow) { views_ = allow; }

  std::span<uint8_t> view(Ram ram, uint64_t address, uint64_t size, Access access) override;
  Status read(Ram ram, uint64_t address, std::span<uint8_t> out) override;
  Status write(Ram ram, uint64_t address, ByteView in) override;

 private:
  using Pages = std::unordered_map<uint64_t, std::unique_ptr<uint8_t[]>>;
  /// The page, created when absent; null when no more pages may be created.
  uint8_t* page(Ram ram, uint64_t number);

  uint8_t fill_;
  size_t max_pages_;
  size_t pages_used_ = 0;
  bool views_ = true;
  std::array<Pages, 2> pages_;
};

}  // namespace medlar::chip
