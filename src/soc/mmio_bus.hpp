// SPDX-License-Identifier: Apache-2.0
// The register bus: physical addresses to the core whose aperture they lie in, refused where there is none or where the
// core has no power or no clock.
#pragma once

#include "chip/chip.hpp"
#include "soc/power.hpp"

#include <cstdint>
#include <vector>

namespace medlar::soc {

/// A core's registers on the bus.
struct Aperture {
  uint64_t base = 0, bytes = 0;
  chip::Chip* chip = nullptr;
  const PowerDomain* power = nullptr;
};

/// Immutable once built. A core's registers are accessed from one thread at a time.
class MmioBus {
 public:
  void add(const Aperture& aperture) { apertures_.push_back(aperture); }

  /// kFault names the address and what is wrong with it: unmapped, power-gated, clock-gated, or what the chip says.
  Result<uint32_t> read(uint64_t address) const;
  Status write(uint64_t address, uint32_t value) const;

 private:
  Result<const Aperture*> find(uint64_t address, const char* access) const;

  std::vector<Aperture> apertures_;
};

}  // namespace medlar::soc
