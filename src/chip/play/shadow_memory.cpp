// SPDX-License-Identifier: Apache-2.0
// The shadow of a player's memory, page by page.
#include "chip/play/shadow_memory.hpp"

#include <algorithm>

namespace medlar::chip {

ShadowMemory::Page& ShadowMemory::page(Ram ram, uint64_t number) {
  std::unique_ptr<Page>& page = pages_[static_cast<size_t>(ram)][number];
  if (page == nullptr) {
    page = std::make_unique<Page>();
  }
  return *page;
}

/// Calls visit(page, first byte in it, byte of the range, count) for the pages of a range.
template <typename Visit>
void ShadowMemory::for_each_piece(Ram ram, uint64_t address, uint64_t size, Visit visit) {
  for (uint64_t done = 0; done < size;) {
    const uint64_t at = (address + done) % kPageBytes;
    const uint64_t count = std::min(size - done, kPageBytes - at);
    visit(page(ram, (address + done) / kPageBytes), at, done, count);
    done += count;
  }
}

void ShadowMemory::saw(Ram ram, uint64_t address, ByteView bytes) {
  for_each_piece(ram, address, bytes.size(), [&](Page& page, uint64_t at, uint64_t from, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      const uint8_t byte = bytes[from + i];
      if (page.reserved[at + i] || (page.known[at + i] && page.bytes[at + i] == byte)) {
        continue;
      }
      page.start[at + i] = byte;
      page.bytes[at + i] = byte;
      page.known[at + i] = true;
      page.load[at + i] = true;
    }
  });
}

void ShadowMemory::reserve(Ram ram, uint64_t address, uint64_t size) {
  for_each_piece(ram, address, size, [&](Page& page, uint64_t at, uint64_t, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      page.reserved[at + i] = true;
    }
  });
}

void ShadowMemory::filled(Ram ram, uint64_t address, ByteView bytes) {
  for_each_piece(ram, address, bytes.size(), [&](Page& page, uint64_t at, uint64_t from, uint64_t count) {
    std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(from), count,
                page.bytes.begin() + static_cast<ptrdiff_t>(at));
    for (uint64_t i = at; i < at + count; ++i) {
      page.reserved[i] = false;
      page.known[i] = true;
      page.result[i] = true;
    }
  });
}

/// Adds one byte to the last run, across a gap of less than a page, or starts a run.
void ShadowMemory::append(std::vector<MemoryRun>& runs, Ram ram, uint64_t address, Bytes bytes) {
  if (runs.empty() || address - (runs.back().address + runs.back().bytes.size()) >= kPageBytes) {
    runs.push_back({.ram = ram, .address = address, .bytes = {}});
  }
  MemoryRun& run = runs.back();
  for (uint64_t at = run.address + run.bytes.size(); at <= address; ++at) {
    run.bytes.push_back((page(ram, at / kPageBytes).*bytes)[at % kPageBytes]);
  }
}

std::vector<MemoryRun> ShadowMemory::runs(Ram ram, Marks marks, Bytes bytes) {
  std::vector<uint64_t> marked;
  for (const auto& [number, page] : pages_[static_cast<size_t>(ram)]) {
    if (((*page).*marks).any()) {
      marked.push_back(number);
    }
  }
  std::vector<MemoryRun> found;
  for (const uint64_t number : marked) {
    for (uint64_t i = 0; i < kPageBytes; ++i) {
      if ((page(ram, number).*marks)[i]) {
        append(found, ram, number * kPageBytes + i, bytes);
      }
    }
    (page(ram, number).*marks).reset();
  }
  return found;
}

void ShadowMemory::define(const std::vector<MemoryRun>& runs) {
  for (const MemoryRun& run : runs) {
    for_each_piece(run.ram, run.address, run.bytes.size(),
                   [](Page& page, uint64_t at, uint64_t, uint64_t count) {
                     for (uint64_t i = at; i < at + count; ++i) {
                       page.load[i] = page.load[i] || !page.known[i];
                       page.known[i] = true;
                     }
                   });
  }
}

ShadowMemory::Section ShadowMemory::take_section() {
  Section section;
  for (const Ram ram : {Ram::kSram, Ram::kDram}) {
    const std::vector<MemoryRun> results = runs(ram, &Page::result, &Page::bytes);
    define(results);
    const std::vector<MemoryRun> loads = runs(ram, &Page::load, &Page::start);
    section.loads.insert(section.loads.end(), loads.begin(), loads.end());
    section.results.insert(section.results.end(), results.begin(), results.end());
    for (const auto& [number, page] : pages_[static_cast<size_t>(ram)]) {
      page->start = page->bytes;
    }
  }
  return section;
}

}  // namespace medlar::chip
