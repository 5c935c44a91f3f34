// SPDX-License-Identifier: Apache-2.0
// What a player of the recorded trace will find in memory: bytes that are known, and how they became so.
#pragma once

#include "base/bytes.hpp"
#include "chip/memory/memory_port.hpp"

#include <array>
#include <bitset>
#include <map>
#include <memory>
#include <vector>

namespace medlar::chip {

/// A run of bytes of one memory.
struct MemoryRun {
  Ram ram = Ram::kDram;
  uint64_t address = 0;
  ByteBuffer bytes;
};

class ShadowMemory {
 public:
  /// The chip saw `bytes`: those that the shadow does not hold must be loaded before.
  void saw(Ram ram, uint64_t address, ByteView bytes);
  /// The chip will fill the range: what it sees of it from now on is its own.
  void reserve(Ram ram, uint64_t address, uint64_t size);
  /// The chip filled the range.
  void filled(Ram ram, uint64_t address, ByteView bytes);

  /// Ends a section. Loads: bytes that the section needs, and bytes between results that nobody ever wrote,
  /// as zero. Results: bytes that the chip wrote in the section. Runs that are less than a page apart are
  /// joined.
  struct Section {
    std::vector<MemoryRun> loads;
    std::vector<MemoryRun> results;
  };
  Section take_section();

 private:
  static constexpr uint64_t kPageBytes = 4096;
  struct Page {
    std::array<uint8_t, kPageBytes> start{};  ///< When the section begins, loads included.
    std::array<uint8_t, kPageBytes> bytes{};  ///< Now.
    std::bitset<kPageBytes> known;
    std::bitset<kPageBytes> reserved;
    std::bitset<kPageBytes> load;    ///< In this section.
    std::bitset<kPageBytes> result;  ///< In this section.
  };
  using Pages = std::map<uint64_t, std::unique_ptr<Page>>;
  using Marks = std::bitset<kPageBytes> Page::*;
  using Bytes = std::array<uint8_t, kPageBytes> Page::*;

  Page& page(Ram ram, uint64_t number);
  template <typename Visit>
  void for_each_piece(Ram ram, uint64_t address, uint64_t size, Visit visit);
  std::vector<MemoryRun> runs(Ram ram, Marks marks, Bytes bytes);
  void append(std::vector<MemoryRun>& runs, Ram ram, uint64_t address, Bytes bytes);
  /// Bytes inside results that are unknown become zeros to load.
  void define(const std::vector<MemoryRun>& runs);

  std::array<Pages, 2> pages_;
};

}  // namespace medlar::chip
