// SPDX-License-Identifier: Apache-2.0
// SDP's FP16 processing: FP32 lanes. The host's FP32 units give the chip's result whenever operands and result are
// normal numbers; every other case takes the exact software path.
#include "chip/sdp/stages.hpp"
#include "num/fast_float.hpp"

namespace medlar::chip {
namespace {

using num::Fp32;

uint32_t bits_of(int32_t lane) { return static_cast<uint32_t>(lane); }
int32_t lane_of(uint32_t bits) { return static_cast<int32_t>(bits); }

}  // namespace

void sdp_alu_float(Alu algo, const int32_t* operand, std::span<int32_t> lanes) {
  for (size_t i = 0; i < lanes.size(); ++i) {
    const uint32_t a = bits_of(lanes[i]);
    const uint32_t b = bits_of(operand[i]);
    switch (algo) {
      case Alu::kMax: lanes[i] = lane_of(num::float_max<Fp32>(a, b)); break;
      case Alu::kMin: lanes[i] = lane_of(num::float_min<Fp32>(a, b)); break;
      case Alu::kEqual: lanes[i] = a == b ? 0 : 1; break;
      case Alu::kSum: lanes[i] = lane_of(num::fp32_add(a, b)); break;
    }
  }
}

void sdp_multiply_float(bool prelu, const int32_t* operand, std::span<int32_t> lanes) {
  for (size_t i = 0; i < lanes.size(); ++i) {
    if (!prelu || lanes[i] < 0) {
      lanes[i] = lane_of(num::fp32_multiply(bits_of(lanes[i]), bits_of(operand[i])));
    }
  }
}

void sdp_relu_float(std::span<int32_t> lanes) {
  for (int32_t& lane : lanes) {
    lane = lane_of(num::float_relu<Fp32>(bits_of(lane)));
  }
}

void sdp_x_stage_float(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes) {
  if (stage.alu) {
    sdp_alu_float(stage.algo, operands.alu.data(), lanes);
  }
  if (stage.mul) {
    sdp_multiply_float(stage.prelu, operands.mul.data(), lanes);
  }
  if (stage.relu) {
    sdp_relu_float(lanes);
  }
}

void sdp_y_stage_float(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes) {
  if (stage.mul) {
    sdp_multiply_float(stage.prelu, operands.mul.data(), lanes);
  }
  if (stage.alu) {
    sdp_alu_float(stage.algo, operands.alu.data(), lanes);
  }
}

void sdp_lut_float(const num::SdpLut& lut, std::span<int32_t> lanes, num::LutCounters& counters) {
  for (int32_t& lane : lanes) {
    lane = lane_of(lut.look_up_float(bits_of(lane), counters));
  }
}

void sdp_widen_float(bool flush_nan, std::span<int32_t> operand) {
  for (int32_t& value : operand) {
    const uint32_t bits = bits_of(value) & 0xffff;
    value = flush_nan && num::Fp16::is_nan(bits) ? 0 : lane_of(num::fp16_to_fp32(bits));
  }
}

}  // namespace medlar::chip
