// SPDX-License-Identifier: Apache-2.0
// The plain loops of SDP, the reference of the others.
#include "chip/sdp/target.hpp"

#include "base/bytes.hpp"
#include "num/float_convert.hpp"

namespace medlar::chip {
namespace {

void load8(const uint8_t* from, std::span<int32_t> lanes) {
  for (size_t i = 0; i < lanes.size(); ++i) {
    lanes[i] = static_cast<int8_t>(from[i]);
  }
}

void load16(const uint8_t* from, std::span<int32_t> lanes) {
  for (size_t i = 0; i < lanes.size(); ++i) {
    lanes[i] = load_le<int16_t>(from + 2 * i);
  }
}

void store8(std::span<const int32_t> lanes, uint8_t* to) {
  for (size_t i = 0; i < lanes.size(); ++i) {
    to[i] = static_cast<uint8_t>(lanes[i]);
  }
}

void store16(std::span<const int32_t> lanes, uint8_t* to) {
  for (size_t i = 0; i < lanes.size(); ++i) {
    store_le(to + 2 * i, static_cast<uint16_t>(lanes[i]));
  }
}

void narrow_float(std::span<int32_t> lanes) {
  for (int32_t& lane : lanes) {
    lane = static_cast<int32_t>(num::fp32_to_fp16(static_cast<uint32_t>(lane)));
  }
}

}  // namespace

const SdpTarget& scalar_sdp_target() {
  static constexpr SdpTarget kTarget = {.name = "scalar",
                                        .load8 = load8,
                                        .load16 = load16,
                                        .store8 = store8,
                                        .store16 = store16,
                                        .x_stage = sdp_x_stage,
                                        .y_stage = sdp_y_stage,
                                        .x_stage_float = sdp_x_stage_float,
                                        .y_stage_float = sdp_y_stage_float,
                                        .convert = sdp_convert,
                                        .widen_float = sdp_widen_float,
                                        .narrow_float = narrow_float};
  return kTarget;
}

}  // namespace medlar::chip
