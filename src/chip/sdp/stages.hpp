// SPDX-License-Identifier: Apache-2.0
// The arithmetic of SDP over spans of lanes: X1 and X2 (BS, BN), Y (EW), output converter. Integer and FP16 versions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "num/converter.hpp"
#include "num/sdp_lut.hpp"

namespace medlar::chip {

/// Lanes that SDP works on at once; every buffer below has room for so many.
inline constexpr size_t kSdpSpan = 2048;

enum class Alu : uint8_t { kMax = 0, kMin = 1, kSum = 2, kEqual = 3 };

/// One stage's settings, decoded. BS and BN use the integers of their registers, EW its 32-bit operands.
struct SdpStage {
  bool on = false;
  bool alu = false;
  bool mul = false;
  Alu algo = Alu::kMax;
  bool prelu = false;
  bool relu = false;
  bool lut = false;
  bool alu_from_memory = false;
  bool mul_from_memory = false;
  uint32_t alu_shift = 0;      ///< BS, BN: saturating left shift of the operand.
  uint32_t mul_shift = 0;      ///< Right shift after the multiplier.
  int32_t alu_operand = 0;     ///< From the register.
  int32_t mul_operand = 0;
  bool alu_convert = false;    ///< EW: operands from memory pass a converter.
  bool mul_convert = false;
  num::Converter alu_converter;
  num::Converter mul_converter;

  bool reads_memory() const { return on && ((alu && alu_from_memory) || (mul && mul_from_memory)); }
};

/// Operands of one span, one value a lane, ready for the data path: integers, or FP32 bits in FP16 processing.
struct SdpOperands {
  std::array<int32_t, kSdpSpan> alu{};
  std::array<int32_t, kSdpSpan> mul{};
};

/// Integer data path: 32-bit lanes in place.
void sdp_x_stage(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes);
void sdp_y_stage(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes);
/// (x - offset) * scale, shifted, rounded, limited to `bits`.
void sdp_convert(const num::Converter& converter, int bits, std::span<int32_t> lanes);
/// Lanes that leave the 17 bits of the output converter.
uint64_t sdp_count_saturated(const num::Converter& converter, std::span<const int32_t> lanes);

/// FP16 processing: lanes and operands are FP32 bits.
void sdp_x_stage_float(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes);
void sdp_y_stage_float(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes);
/// Their steps: ALU (any algorithm), multiplier or PReLU, ReLU.
void sdp_alu_float(Alu algo, const int32_t* operand, std::span<int32_t> lanes);
void sdp_multiply_float(bool prelu, const int32_t* operand, std::span<int32_t> lanes);
void sdp_relu_float(std::span<int32_t> lanes);

void sdp_lut(const num::SdpLut& lut, std::span<int32_t> lanes, num::LutCounters& counters);
void sdp_lut_float(const num::SdpLut& lut, std::span<int32_t> lanes, num::LutCounters& counters);

/// Operand conversion: BS and BN shift left in integer processing, EW converts, FP16 widens.
void sdp_prepare_x(const SdpStage& stage, std::span<int32_t> alu);
void sdp_prepare_y(bool convert, const num::Converter& converter, std::span<int32_t> operand);
void sdp_widen_float(bool flush_nan, std::span<int32_t> operand);

}  // namespace medlar::chip
