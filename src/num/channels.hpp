// SPDX-License-Identifier: Apache-2.0
// Values of a cube in NCHW with a factor for each channel.
#pragma once

#include <cstddef>
#include <span>

namespace medlar::num {

/// Multiplies each channel by its factor, or divides; without factors nothing changes.
inline void scale_channels(std::span<const float> factors, bool divide, std::span<float> values) {
  const size_t plane = factors.empty() ? 0 : values.size() / factors.size();
  for (size_t c = 0; c < factors.size(); ++c) {
    for (float& value : values.subspan(c * plane, plane)) {
      value = divide ? value / factors[c] : value * factors[c];
    }
  }
}

}  // namespace medlar::num
