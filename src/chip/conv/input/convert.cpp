// SPDX-License-Identifier: Apache-2.0
// CDMA's input converter.
#include "chip/conv/input/convert.hpp"

#include "num/float_convert.hpp"
#include "num/round.hpp"

namespace medlar::chip {

uint16_t convert_element(int32_t x, int32_t offset, const ConvConverter& converter, hw::Precision out) {
  const int64_t scaled = (int64_t{x} - offset) * converter.scale;
  const int64_t wide = num::shift_round_saturate(scaled, converter.truncate, 17);
  switch (out) {
    case hw::Precision::kInt8:
      return static_cast<uint16_t>(num::saturate(wide, 8));
    case hw::Precision::kInt16:
      return static_cast<uint16_t>(num::saturate(wide, 16));
    case hw::Precision::kFp16:
      return static_cast<uint16_t>(num::int_to_fp16(static_cast<int32_t>(wide)));
  }
  return 0;
}

}  // namespace medlar::chip
