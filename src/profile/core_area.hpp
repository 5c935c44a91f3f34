// SPDX-License-Identifier: Apache-2.0
// What a core takes on the die.
#pragma once

#include <optional>

#include "hw/device.hpp"

namespace medlar::profile {

/// Square millimetres at 16 nm, memories of the core included, on-chip SRAM beside it not: NVIDIA's primer, the core with as many
/// multipliers. Empty for closed silicon, of which nothing is published, and for sizes that the primer lacks.
std::optional<double> published_area(const hw::DeviceProfile& device);

}  // namespace medlar::profile
