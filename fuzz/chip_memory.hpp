// SPDX-License-Identifier: Apache-2.0
// Memory for the chip's fuzzers: pages anywhere in both address spaces, filled from a seed, given out from one pool that
// is never freed, so that a run costs what it touches.
#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "base/status.hpp"
#include "chip/memory/memory_port.hpp"

namespace medlar::fuzz {

class PagedMemory final : public chip::MemoryPort {
 public:
  static constexpr uint64_t kPageBytes = 16 << 10;

  /// Pages are blocks of their own, so that what runs over one is seen by the address sanitizer.
  explicit PagedMemory(size_t pages) {
    for (size_t i = 0; i < pages; ++i) {
      pages_.push_back(std::make_unique<uint8_t[]>(kPageBytes));
    }
  }

  /// All pages are as `seed` says; with `views` ranges inside a page can be seen in place.
  void restart(uint8_t seed, bool views) {
    used_.clear();
    seed_ = seed;
    views_ = views;
    last_ = 0;
  }

  std::span<uint8_t> view(chip::Ram ram, uint64_t address, uint64_t size, chip::Access access) override {
    const uint64_t offset = address % kPageBytes;
    if (!views_ || size > kPageBytes - offset) {
      return {};
    }
    uint8_t* const page = find(ram, address / kPageBytes, access == chip::Access::kWrite);
    return page == nullptr ? std::span<uint8_t>() : std::span<uint8_t>(page + offset, size);
  }
  Status read(chip::Ram ram, uint64_t address, std::span<uint8_t> out) override {
    return pieces(ram, address, out.size(), false,
                  [&](const uint8_t* page, size_t done, size_t size) { std::memcpy(out.data() + done, page, size); });
  }
  Status write(chip::Ram ram, uint64_t address, ByteView in) override {
    return pieces(ram, address, in.size(), true,
                  [&](uint8_t* page, size_t done, size_t size) { std::memcpy(page, in.data() + done, size); });
  }

  /// True when every page that either wrote holds the same bytes in both.
  static bool same(PagedMemory& a, PagedMemory& b) { return a.agrees_with(b) && b.agrees_with(a); }

 private:
  struct Page {
    chip::Ram ram = chip::Ram::kDram;
    uint64_t number = 0;
    bool written = false;
  };
  /// Kinds of contents: anything, halves of ordinary size, mostly zeros, extremes.
  static constexpr size_t kKinds = 4;
  static constexpr size_t kPatternBytes = 4 * kPageBytes;
  using Patterns = std::array<std::vector<uint8_t>, kKinds>;

  static const Patterns& patterns() {
    static const Patterns made = [] {
      Patterns all;
      uint32_t state = 1;
      const auto next = [&state] { return static_cast<uint8_t>((state = state * 1664525u + 1013904223u) >> 24); };
      for (auto& pattern : all) {
        pattern.resize(kPatternBytes);
      }
      for (size_t i = 0; i < kPatternBytes; ++i) {
        all[0][i] = next();
        all[1][i] = i % 2 == 0 ? next() : static_cast<uint8_t>((next() & 0x83) | (12 + next() % 7) << 2);
        all[2][i] = next() < 64 ? next() : 0;
        all[3][i] = next() < 128 ? 0x80 : 0x7f;
      }
      return all;
    }();
    return made;
  }

  uint8_t* find(chip::Ram ram, uint64_t number, bool write) {
    if (last_ >= used_.size() || used_[last_].number != number || used_[last_].ram != ram) {
      for (last_ = 0; last_ < used_.size() && (used_[last_].number != number || used_[last_].ram != ram); ++last_) {
      }
    }
    if (last_ == pages_.size()) {
      return nullptr;
    }
    uint8_t* const bytes = pages_[last_].get();
    if (last_ == used_.size()) {
      used_.push_back({.ram = ram, .number = number});
      const size_t start = (number * 2654435761u + seed_ * 40503u) % (kPatternBytes - kPageBytes) / 2 * 2;
      std::memcpy(bytes, patterns()[seed_ % kKinds].data() + start, kPageBytes);
    }
    used_[last_].written = used_[last_].written || write;
    return bytes;
  }

  template <typename Use>
  Status pieces(chip::Ram ram, uint64_t address, size_t size, bool write, Use use) {
    for (size_t done = 0; done < size;) {
      const uint64_t offset = address % kPageBytes;
      const size_t step = std::min<size_t>(size - done, kPageBytes - offset);
      uint8_t* const page = find(ram, address / kPageBytes, write);
      if (page == nullptr) {
        return fail(Code::kFault, "memory: all {} pages are in use", used_.size());
      }
      use(page + offset, done, step);
      done += step;
      address += step;
    }
    return {};
  }

  bool agrees_with(PagedMemory& other) {
    for (size_t i = 0; i < used_.size(); ++i) {
      if (!used_[i].written) {
        continue;
      }
      const uint8_t* const theirs = other.find(used_[i].ram, used_[i].number, false);
      if (theirs == nullptr || std::memcmp(pages_[i].get(), theirs, kPageBytes) != 0) {
        return false;
      }
    }
    return true;
  }

  std::vector<std::unique_ptr<uint8_t[]>> pages_;
  std::vector<Page> used_;
  size_t last_ = 0;
  uint8_t seed_ = 0;
  bool views_ = true;
};

}  // namespace medlar::fuzz
