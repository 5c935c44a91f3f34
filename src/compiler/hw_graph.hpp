// SPDX-License-Identifier: Apache-2.0
// The hardware graph: what one DLA segment computes, as untiled chip operations over logical tensors. The front half
// of the compiler (legalise, fuse, quantise) makes it; the back half (tile, allocate, pack, emit) turns it into a
// loadable. Numbers are final here: integers as the SDP will use them; only sizes, banks and addresses are open.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "hw/config.hpp"

namespace medlar::compiler {

using TensorId = int32_t;
inline constexpr TensorId kNoTensor = -1;

enum class TensorRole : uint8_t { kInput, kOutput, kIntermediate, kConstant };

/// Logical tensor of the segment, stored as a feature cube of `precision`.
/// real = scale * (stored - zero) for INT8 and INT16; scale 1 and zero 0 for FP16.
struct HwTensor {
  std::string name;  ///< The ONNX value that it holds.
  int w = 1, h = 1, c = 1;
  hw::Precision precision = hw::Precision::kInt8;
  float scale = 1.0f;
  int zero = 0;
  /// Where quantisation equalised channels: real = channel_scale[c] * scale * (stored - zero). Empty: all 1.
  std::vector<float> channel_scale = {};
  TensorRole role = TensorRole::kIntermediate;
  int item = 0;  ///< Which item of a batch it is: every item has a tensor of its own.
  bool channels_last = false;  ///< Inputs and outputs: the host's rows hold the channels of each pixel together.
  /// kConstant: what it holds, channel by channel in rows; integers for INT8, bit patterns for FP16.
  std::vector<int16_t> contents = {};
  /// A window of another tensor instead of storage of its own: channels [view_c, view_c + c), rows from view_y and
  /// columns from view_x of `view_of`, which is no view itself and has this precision and scale. view_c is a multiple
  /// of HwConfig::channels_per_atom; windows that are written do not share atoms. Concatenation makes producers write
  /// windows of one tensor; grouped convolutions and slices read windows. Role: intermediate.
  TensorId view_of = kNoTensor;
  int view_x = 0, view_y = 0, view_c = 0;
};

/// Constant data of an operation in logical order; the back half packs it. Integers are stored widened.
struct Weights {
  int k = 0, c = 0, r = 0, s = 0;   ///< Kernels, channels, rows, columns.
  std::vector<int16_t> integers;    ///< INT8/INT16, KCRS order; empty for FP16.
  std::vector<uint16_t> halves;     ///< FP16 bit patterns, KCRS order.
};

enum class SdpAlu : uint8_t { kMax = 0, kMin = 1, kSum = 2, kEql = 3 };
enum class SdpStageType : uint8_t { kNone = 0, kMul = 1, kAlu = 2, kBoth = 3 };
enum class SdpOperandMode : uint8_t { kPerLayer = 0, kPerChannel = 1, kPerElement = 2 };
enum class SdpActivation : uint8_t { kNone = 0, kRelu = 1, kLut = 2, kPrelu = 3 };

struct Converter {
  bool enable = false;
  int32_t offset = 0;  ///< Subtracted before scaling.
  int32_t scale = 1;   ///< 16 bits signed in hardware.
  int shift = 0;       ///< Rounded right shift.
};

/// One SDP sub-engine. Operand values are the stored integers (or FP16 bit patterns widened to int32).
struct SdpStage {
  bool enable = false;
  SdpStageType type = SdpStageType::kNone;
  SdpAlu alu = SdpAlu::kSum;
  SdpOperandMode mode = SdpOperandMode::kPerLayer;
  SdpActivation activation = SdpActivation::kNone;
  int alu_shift = 0;                       ///< Left shift of the ALU operand (X1, X2).
  int truncate = 0;                        ///< Right shift after the multiplier.
  hw::Precision operand_precision = hw::Precision::kInt16;  ///< INT8 one byte, else two bytes.
  std::vector<int32_t> alu_operand;        ///< 1 value (per layer) or one per channel.
  std::vector<int32_t> mul_operand;
  /// The tensor added, compared or multiplied (kAlu or kMul): of the result's size (per element), or 1x1 (per channel).
  TensorId element_operand = kNoTensor;
  Converter alu_converter, mul_converter;  ///< Y only.
};

/// Lookup table of the SDP (Y) or CDP, in the firmware's terms (lut_param of the descriptors).
struct Lut {
  std::array<int16_t, 65> le{};
  std::array<int16_t, 257> lo{};
  bool le_exponential = false;
  int le_index = 0;  ///< exp_offset (exponential) or frac_bits (linear).
  int lo_index = 0;
  int64_t le_start = 0, le_end = 0, lo_start = 0, lo_end = 0;
  std::array<int32_t, 4> slope{};        ///< LE under, LE over, LO under, LO over: i16 scale or FP16 bits.
  std::array<int32_t, 4> slope_shift{};  ///< Integer modes only.
  int hybrid_priority = 0, underflow_priority = 0, overflow_priority = 0;  ///< 0 LE, 1 LO.

  friend bool operator==(const Lut&, const Lut&) = default;
};

/// SDP program: stages, optional table, output converter.
struct SdpParams {
  SdpStage x1, x2, y;
  int32_t lut = -1;    ///< Index into HwGraph::luts.
  Converter output;    ///< To the destination's precision.
};

/// Direct convolution followed on the fly by an SDP.
struct ConvOp {
  Weights weights;
  int stride_x = 1, stride_y = 1;
  int dilation_x = 1, dilation_y = 1;
  int pad_left = 0, pad_right = 0, pad_top = 0, pad_bottom = 0;
  int pad_value = 0;
  int truncate = 0;  ///< CACC clip truncate.
  SdpParams sdp;
};

/// SDP from memory.
struct SdpOp {
  SdpParams sdp;
};

enum class PoolMode : uint8_t { kAverage = 0, kMax = 1, kMin = 2 };

struct PoolOp {
  PoolMode mode = PoolMode::kMax;
  int kernel_w = 1, kernel_h = 1;
  int stride_x = 1, stride_y = 1;
  int pad_left = 0, pad_right = 0, pad_top = 0, pad_bottom = 0;
  int pad_value = 0;
};

struct LrnOp {
  int local_size = 5;
  int32_t lut = -1;
  Converter input, output;
  bool bypass_square_sum = false, bypass_multiply = false;
};

/// Writes `src` into channels [channel, channel + src.c) and rows/columns from (y, x) of `dst`: concatenation and
/// padding are several of these; slices read a window instead.
struct CopyOp {
  int src_x = 0, src_y = 0, src_c = 0;
  int dst_x = 0, dst_y = 0, dst_c = 0;
  int w = 0, h = 0, c = 0;
};

enum class RubikMode : uint8_t { kContract = 0, kSplit = 1, kMerge = 2 };

struct RubikOp {
  RubikMode mode = RubikMode::kContract;
  int stride_x = 1, stride_y = 1;
};

/// dst[c, y * stride_y + j, x * stride_x + i] = src[(j * stride_x + i) * C + c, y, x], C being dst.c rounded up to whole
/// atoms; with `repeat` src[c, y, x] for every i and j. RUBIK's contract mode where there is one, else copies.
struct InterleaveOp {
  int stride_x = 1, stride_y = 1;
  bool repeat = false;
};

/// One untiled chip operation. Operations are in topological order; a CopyOp may share its destination with others.
struct HwOp {
  std::string name;                  ///< For reports and diagnostics.
  std::vector<std::string> origins;  ///< ONNX nodes that it computes (the id chain).
  TensorId src = kNoTensor;
  TensorId dst = kNoTensor;
  std::variant<ConvOp, SdpOp, PoolOp, LrnOp, CopyOp, RubikOp, InterleaveOp> body;
};

/// One DLA segment.
struct HwGraph {
  std::string name;
  std::vector<HwTensor> tensors;
  std::vector<HwOp> ops;
  std::vector<Lut> luts;
};

}  // namespace medlar::compiler
