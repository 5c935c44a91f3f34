// SPDX-License-Identifier: Apache-2.0
// The register bus.
#include "soc/mmio_bus.hpp"

namespace medlar::soc {

Result<const Aperture*> MmioBus::find(uint64_t address, const char* access) const {
  for (const Aperture& aperture : apertures_) {
    if (address < aperture.base || address - aperture.base >= aperture.bytes) {
      continue;
    }
    const PowerState state = aperture.power->state();
    if (state != PowerState::kOn) {
      return fail(Code::kFault, "register {} at {:#x} while domain {} is {}", access, address, aperture.power->name(),
                  state == PowerState::kOff ? "power-gated" : "clock-gated");
    }
    return &aperture;
  }
  return fail(Code::kFault, "register {} at {:#x}: no device answers", access, address);
}

Result<uint32_t> MmioBus::read(uint64_t address) const {
  MEDLAR_ASSIGN(const Aperture* aperture, find(address, "read"));
  return aperture->chip->read_register(static_cast<uint32_t>(address - aperture->base));
}

Status MmioBus::write(uint64_t address, uint32_t value) const {
  MEDLAR_ASSIGN(const Aperture* aperture, find(address, "write"));
  return aperture->chip->write_register(static_cast<uint32_t>(address - aperture->base), value);
}

}  // namespace medlar::soc
