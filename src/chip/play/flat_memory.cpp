// SPDX-License-Identifier: Apache-2.0
// Sparse memory for players and tests.
#include "chip/play/flat_memory.hpp"

#include <algorithm>

namespace medlar::chip {

uint8_t* FlatMemory::page(Ram ram, uint64_t number) {
  Pages& pages = pages_[static_cast<size_t>(ram)];
  const auto found = pages.find(number);
  if (found != pages.end()) {
    return found->second.get();
  }
  if (pages_used_ >= max_pages_) {
    return nullptr;
  }
  ++pages_used_;
  auto fresh = std::make_unique<uint8_t[]>(kPageBytes);
  std::fill_n(fresh.get(), kPageBytes, fill_);
  return pages.emplace(number, std::move(fresh)).first->second.get();
}

std::span<uint8_t> FlatMemory::view(Ram ram, uint64_t address, uint64_t size, Access) {
  const uint64_t offset = address % kPageBytes;
  if (!views_ || size > kPageBytes - offset) {
    return {};
  }
  uint8_t* const bytes = page(ram, address / kPageBytes);
  return bytes == nullptr ? std::span<uint8_t>{} : std::span<uint8_t>(bytes + offset, size);
}

Status FlatMemory::read(Ram ram, uint64_t address, std::span<uint8_t> out) {
  while (!out.empty()) {
    const uint64_t offset = address % kPageBytes;
    const auto size = static_cast<size_t>(std::min<uint64_t>(out.size(), kPageBytes - offset));
    const uint8_t* const bytes = page(ram, address / kPageBytes);
    if (bytes == nullptr) {
      return fail(Code::kFault, "memory: read of {} bytes at {:#x}: all {} pages are in use", size, address, max_pages_);
    }
    std::copy_n(bytes + offset, size, out.data());
    out = out.subspan(size);
    address += size;
  }
  return {};
}

Status FlatMemory::write(Ram ram, uint64_t address, ByteView in) {
  while (!in.empty()) {
    const uint64_t offset = address % kPageBytes;
    const auto size = static_cast<size_t>(std::min<uint64_t>(in.size(), kPageBytes - offset));
    uint8_t* const bytes = page(ram, address / kPageBytes);
    if (bytes == nullptr) {
      return fail(Code::kFault, "memory: write of {} bytes at {:#x}: all {} pages are in use", size, address, max_pages_);
    }
    std::copy_n(in.data(), size, bytes + offset);
    in = in.subspan(size);
    address += size;
  }
  return {};
}

}  // namespace medlar::chip
