// SPDX-License-Identifier: Apache-2.0
// Power of a core, where anything is published about it.
#pragma once

#include "timing/work.hpp"

#include <optional>

namespace medlar::timing {

/// Share of the peak multiply-accumulates that an operation reaches.
double mac_utilisation(const OpTime& time, const hw::DeviceProfile& device, hw::Precision precision);

/// Watts of one core while it runs at `utilisation`, without its DRAM: between the profile's least and most.
/// Empty where the profile has no figures.
std::optional<double> core_watts(const hw::DeviceProfile& device, double utilisation);

/// Joules of one core for an operation; empty as above.
std::optional<double> core_joules(const OpTime& time, const hw::DeviceProfile& device,
                                  const hw::PowerMode& mode, hw::Precision precision);

}  // namespace medlar::timing
