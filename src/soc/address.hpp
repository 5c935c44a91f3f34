// SPDX-License-Identifier: Apache-2.0
// The two address spaces of the system as distinct types: mixing them does not compile.
#pragma once

#include <compare>
#include <cstdint>

namespace medlar::soc {

/// Address on the system bus, after translation.
struct Phys {
  uint64_t value = 0;
  friend constexpr auto operator<=>(Phys, Phys) = default;
  friend constexpr Phys operator+(Phys base, uint64_t bytes) { return {base.value + bytes}; }
};

/// Address that an engine behind the SMMU puts on its port.
struct Iova {
  uint64_t value = 0;
  friend constexpr auto operator<=>(Iova, Iova) = default;
  friend constexpr Iova operator+(Iova base, uint64_t bytes) { return {base.value + bytes}; }
};

inline constexpr uint64_t kPageBytes = 4096;
inline constexpr uint64_t kMediumPageBytes = 64u << 10;
inline constexpr uint64_t kLargePageBytes = 2u << 20;

/// A run of physical memory.
struct Extent {
  Phys base;
  uint64_t bytes = 0;
  friend constexpr bool operator==(const Extent&, const Extent&) = default;
};

}  // namespace medlar::soc
