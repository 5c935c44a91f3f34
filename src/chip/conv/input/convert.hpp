// SPDX-License-Identifier: Apache-2.0
// CDMA's input converter: (x - offset) * scale, rounding shift to 17 bits, then the processing precision.
#pragma once

#include <cstdint>

#include "chip/conv/job.hpp"

namespace medlar::chip {

/// The bits of one converted element; `x` is the pixel or feature already widened by its own signedness.
uint16_t convert_element(int32_t x, int32_t offset, const ConvConverter& converter, hw::Precision out);

}  // namespace medlar::chip
