// SPDX-License-Identifier: Apache-2.0
// User mappings of pages: host addresses that alias the simulated memory, so nothing is copied.
#pragma once

#include "driver/sim/buffer.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace medlar::driver {

/// Thread-safe. A mapping keeps its pages alive.
class Mappings {
 public:
  Mappings(soc::Memory& memory, LiveCounters& live) : memory_(memory), live_(live) {}
  ~Mappings();

  /// [offset, offset + size) of the pages; null when the range is not inside or the host has no room.
  void* map(std::shared_ptr<Pages> pages, uint64_t offset, uint64_t size);
  /// Exactly one earlier map; 0 or a negative errno.
  int unmap(void* address, uint64_t size);

 private:
  struct Mapping {
    std::shared_ptr<Pages> pages;
    uint64_t size = 0;
    void* window =
        nullptr;  ///< Host mapping of scattered pages; null when the address lies in the memory itself.
    uint64_t window_bytes = 0;
  };
  bool open_window(const Pages& pages, Mapping& mapping) const;

  soc::Memory& memory_;
  LiveCounters& live_;
  std::mutex mutex_;
  std::multimap<void*, Mapping> mappings_;
};

}  // namespace medlar::driver
