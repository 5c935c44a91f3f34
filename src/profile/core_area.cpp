// SPDX-License-Identifier: Apache-2.0
#include "profile/core_area.hpp"

#include <algorithm>
#include <array>

namespace medlar::profile {
namespace {

struct Published {
  uint32_t macs;
  double square_millimetres;
};
constexpr std::array kPrimer = {Published{2048, 3.3}, Published{1024, 1.8}, Published{512, 1.4}, Published{256, 1.0},
                                Published{128, 0.84}, Published{64, 0.55},  Published{32, 0.51}};

}  // namespace

std::optional<double> published_area(const hw::DeviceProfile& device) {
  const auto row = std::find_if(kPrimer.begin(), kPrimer.end(), [&](const Published& p) { return p.macs == device.macs_int8; });
  if (device.label != hw::Label::kBitExact || row == kPrimer.end()) {
    return std::nullopt;
  }
  return row->square_millimetres;
}

}  // namespace medlar::profile
