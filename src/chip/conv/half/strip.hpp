// SPDX-License-Identifier: Apache-2.0
// The pixels behind the last whole tile, one kernel a lane.
#pragma once

#include "chip/conv/half/half.hpp"
#include "chip/conv/half/layout.hpp"

namespace medlar::chip {

/// How many of the last pixels are cheaper this way.
uint32_t strip_pixels(const HalfLayer& layer);
/// The last `count` pixels.
void run_strips(const HalfLayer& layer, uint32_t count);

}  // namespace medlar::chip
