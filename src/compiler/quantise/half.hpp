// SPDX-License-Identifier: Apache-2.0
// Real numbers as FP16 bit patterns for constants: round to nearest even, saturate as the chip does.
#pragma once

#include <cstdint>

namespace medlar::compiler {

/// Too large becomes +-65504; NaN becomes 0 (constants are checked before).
uint16_t to_half(float value);

}  // namespace medlar::compiler
