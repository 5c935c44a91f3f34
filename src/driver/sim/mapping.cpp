// SPDX-License-Identifier: Apache-2.0
// User mappings of pages.
#include "driver/sim/mapping.hpp"

#include "base/checked.hpp"
#include "uapi/medlar_uapi.h"

#include <sys/mman.h>

namespace medlar::driver {

Mappings::~Mappings() {
  for (auto& [address, mapping] : mappings_) {
    if (mapping.window != nullptr) {
      munmap(mapping.window, mapping.window_bytes);
    }
  }
}

/// One host range in which every extent is mapped from the memory's own file.
bool Mappings::open_window(const Pages& pages, Mapping& mapping) const {
  void* base = mmap(nullptr, pages.bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    return false;
  }
  mapping.window = base;
  mapping.window_bytes = pages.bytes();
  auto* at = static_cast<uint8_t*>(base);
  for (const soc::Extent& extent : pages.allocation().extents) {
    const auto offset = static_cast<off_t>(extent.base.value - soc::Memory::kDramBase.value);
    if (mmap(at, extent.bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory_.dram().fd(), offset) ==
        MAP_FAILED) {
      munmap(base, pages.bytes());
      return false;
    }
    at += extent.bytes;
  }
  return true;
}

void* Mappings::map(std::shared_ptr<Pages> pages, uint64_t offset, uint64_t size) {
  if (size == 0 || !range_inside(offset, size, pages->bytes())) {
    return nullptr;
  }
  Mapping mapping{.pages = pages, .size = size};
  uint8_t* address = nullptr;
  if (pages->allocation().extents.size() == 1) {
    address = memory_.bytes(pages->allocation().extents.front().base, pages->bytes()).data();
  } else if (open_window(*pages, mapping)) {
    address = static_cast<uint8_t*>(mapping.window);
  } else {
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  ++live_.mappings;
  mappings_.emplace(address + offset, std::move(mapping));
  return address + offset;
}

int Mappings::unmap(void* address, uint64_t size) {
  const std::lock_guard lock(mutex_);
  const auto [first, last] = mappings_.equal_range(address);
  for (auto it = first; it != last; ++it) {
    if (it->second.size != size) {
      continue;
    }
    if (it->second.window != nullptr) {
      munmap(it->second.window, it->second.window_bytes);
    }
    mappings_.erase(it);
    --live_.mappings;
    return 0;
  }
  return -MEDLAR_EINVAL;
}

}  // namespace medlar::driver
