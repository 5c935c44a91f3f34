// SPDX-License-Identifier: Apache-2.0
// SDP's integer arithmetic. Plain loops over lanes without calls, for the compiler to vectorise.
#include "chip/sdp/stages.hpp"

#include <algorithm>
#include <limits>

#include "num/float_convert.hpp"
#include "num/round.hpp"

namespace medlar::chip {
namespace {

using num::shift_round_narrow;

int32_t clamp32(int64_t value) { return static_cast<int32_t>(num::saturate(value, 32)); }

/// The ALU of X: 33-bit results.
void x_alu(const SdpStage& stage, const SdpOperands& operands, std::span<const int32_t> lanes, int64_t* wide) {
  const size_t n = lanes.size();
  const int32_t* op = operands.alu.data();
  if (!stage.alu) {
    for (size_t i = 0; i < n; ++i) {
      wide[i] = lanes[i];
    }
    return;
  }
  switch (stage.algo) {
    case Alu::kMax:
      for (size_t i = 0; i < n; ++i) {
        wide[i] = std::max(lanes[i], op[i]);
      }
      break;
    case Alu::kMin:
      for (size_t i = 0; i < n; ++i) {
        wide[i] = std::min(lanes[i], op[i]);
      }
      break;
    default:
      for (size_t i = 0; i < n; ++i) {
        wide[i] = static_cast<int64_t>(lanes[i]) + op[i];
      }
      break;
  }
}

void x_multiply(const SdpStage& stage, const SdpOperands& operands, const int64_t* wide, std::span<int32_t> lanes) {
  const size_t n = lanes.size();
  const int32_t* op = operands.mul.data();
  const uint32_t shift = stage.mul_shift;
  if (!stage.mul) {
    for (size_t i = 0; i < n; ++i) {
      lanes[i] = clamp32(shift_round_narrow(wide[i], shift));  // The truncation also acts without the multiplier.
    }
  } else if (stage.prelu) {
    for (size_t i = 0; i < n; ++i) {
      // A non-negative value skips multiplier and truncation; its 33rd bit is cut.
      lanes[i] = wide[i] >= 0 ? static_cast<int32_t>(static_cast<uint32_t>(wide[i]))
                              : clamp32(shift_round_narrow(wide[i] * op[i], shift));
    }
  } else {
    for (size_t i = 0; i < n; ++i) {
      lanes[i] = clamp32(shift_round_narrow(wide[i] * op[i], shift));
    }
  }
}

void y_multiply(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes) {
  const size_t n = lanes.size();
  const int32_t* op = operands.mul.data();
  const uint32_t shift = stage.mul_shift;
  constexpr uint32_t kNarrowLimit = 62;  // 64-bit products: beyond it the rounding constant would overflow.
  for (size_t i = 0; i < n; ++i) {
    if (stage.prelu && lanes[i] >= 0) {
      continue;
    }
    const int64_t product = static_cast<int64_t>(lanes[i]) * op[i];
    lanes[i] = clamp32(shift <= kNarrowLimit ? shift_round_narrow(product, shift) : num::shift_round(product, shift));
  }
}

void y_alu(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes) {
  const size_t n = lanes.size();
  const int32_t* op = operands.alu.data();
  switch (stage.algo) {
    case Alu::kMax:
      for (size_t i = 0; i < n; ++i) {
        lanes[i] = std::max(lanes[i], op[i]);
      }
      break;
    case Alu::kMin:
      for (size_t i = 0; i < n; ++i) {
        lanes[i] = std::min(lanes[i], op[i]);
      }
      break;
    case Alu::kEqual:
      for (size_t i = 0; i < n; ++i) {
        lanes[i] = lanes[i] == op[i] ? 0 : 1;
      }
      break;
    default:
      for (size_t i = 0; i < n; ++i) {
        lanes[i] = clamp32(static_cast<int64_t>(lanes[i]) + op[i]);
      }
      break;
  }
}

}  // namespace

void sdp_x_stage(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes) {
  std::array<int64_t, kSdpSpan> wide;
  x_alu(stage, operands, lanes, wide.data());
  x_multiply(stage, operands, wide.data(), lanes);
  if (stage.relu) {
    for (int32_t& lane : lanes) {
      lane = std::max(lane, 0);
    }
  }
}

void sdp_y_stage(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes) {
  if (stage.mul) {
    y_multiply(stage, operands, lanes);
  }
  if (stage.alu) {
    y_alu(stage, operands, lanes);
  }
}

void sdp_convert(const num::Converter& converter, int bits, std::span<int32_t> lanes) {
  for (int32_t& lane : lanes) {
    lane = static_cast<int32_t>(num::saturate(shift_round_narrow(converter.exact(lane), converter.shift), bits));
  }
}

uint64_t sdp_count_saturated(const num::Converter& converter, std::span<const int32_t> lanes) {
  uint64_t count = 0;
  for (const int32_t lane : lanes) {
    count += converter.saturates(lane, 17) ? 1 : 0;
  }
  return count;
}

void sdp_lut(const num::SdpLut& lut, std::span<int32_t> lanes, num::LutCounters& counters) {
  for (int32_t& lane : lanes) {
    lane = lut.look_up(lane, counters);
  }
}

void sdp_prepare_x(const SdpStage& stage, std::span<int32_t> alu) {
  const uint32_t shift = std::min(stage.alu_shift, 31u);
  uint32_t used = 0;  // bits that some value has beside its sign
  for (const int32_t value : alu) {
    used |= static_cast<uint32_t>(value ^ (value >> 31));
  }
  if (uint64_t{used} << shift >> 31 == 0) {  // nothing to limit
    for (int32_t& value : alu) {
      value = static_cast<int32_t>(static_cast<uint32_t>(value) << shift);
    }
    return;
  }
  // Compares instead of wide shifts, so that the compiler vectorises it.
  const int32_t high = std::numeric_limits<int32_t>::max() >> shift;
  for (int32_t& value : alu) {
    const auto shifted = static_cast<int32_t>(static_cast<uint32_t>(value) << shift);
    const int32_t limit = value > 0 ? std::numeric_limits<int32_t>::max() : std::numeric_limits<int32_t>::min();
    value = value > high || value < ~high ? limit : shifted;
  }
}

void sdp_prepare_y(bool convert, const num::Converter& converter, std::span<int32_t> operand) {
  if (convert) {
    for (int32_t& value : operand) {
      value = static_cast<int32_t>(converter.apply(value, 32));
    }
  }
}

}  // namespace medlar::chip
