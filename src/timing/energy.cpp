// SPDX-License-Identifier: Apache-2.0
#include "timing/energy.hpp"

#include <algorithm>

namespace medlar::timing {

double mac_utilisation(const OpTime& time, const hw::DeviceProfile& device, hw::Precision precision) {
  const uint32_t peak = precision == hw::Precision::kInt8 ? device.macs_int8 : device.macs_fp16;
  const double possible = static_cast<double>(time.cycles) * peak;
  return possible == 0 ? 0 : static_cast<double>(time.macs) / possible;
}

std::optional<double> core_watts(const hw::DeviceProfile& device, double utilisation) {
  if (device.dla_watts_max == 0) {
    return std::nullopt;
  }
  return device.dla_watts_min +
         (device.dla_watts_max - device.dla_watts_min) * std::clamp(utilisation, 0.0, 1.0);
}

std::optional<double> core_joules(const OpTime& time, const hw::DeviceProfile& device,
                                  const hw::PowerMode& mode, hw::Precision precision) {
  const auto watts = core_watts(device, mac_utilisation(time, device, precision));
  if (!watts) {
    return std::nullopt;
  }
  return *watts * static_cast<double>(time.cycles) / static_cast<double>(mode.dla_hz);
}

}  // namespace medlar::timing
