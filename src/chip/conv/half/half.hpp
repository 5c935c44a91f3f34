// SPDX-License-Identifier: Apache-2.0
// FP16 convolution at speed, bit for bit: 32 output pixels side by side, one weight against all of them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "chip/conv/acc_cube.hpp"
#include "chip/conv/input/window.hpp"
#include "chip/conv/integer/dot.hpp"
#include "chip/conv/job.hpp"
#include "chip/conv/weights/weights.hpp"

namespace medlar::chip {

inline constexpr int kHalfPixels = 32;
inline constexpr int kHalfKernels = 64;

/// A weight taken apart.
struct HalfWeight {
  int16_t factor = 0;     ///< Mantissa with its sign; zero for a weight of zero.
  int8_t exponent = 0;    ///< Times four.
  int8_t quad = -64;      ///< Exponent; below everything for zero.
  uint16_t low_rows = 0;  ///< Where the Booth rows of its digits 0-3 are listed, see conv_half_rows.hpp.
  uint16_t high_rows = 0; ///< The same for digits 4-7.
};

/// Bytes of one list of rows; lists of low digits by sign and mantissa bits 0-7, then of high ones by bits 7-13.
inline constexpr uint32_t kHalfRowListBytes = 16;
inline constexpr uint32_t kHalfLowLists = 256;
inline constexpr uint32_t kHalfHighLists = 128;

/// Kernels of a block, or channels of an atom, outside which all weights are zero: in depthwise layers all but one are.
struct HalfSpan {
  uint8_t first = 0;
  uint8_t last = 0;  ///< Behind the last one.

  bool empty() const { return last == 0; }
  void join(HalfSpan other) {
    first = empty() || (!other.empty() && other.first < first) ? other.first : first;
    last = other.last > last ? other.last : last;
  }
};

/// Up to 32 pixels times up to 64 kernels, all atoms.
struct HalfTile {
  const uint8_t* pixels[kHalfPixels] = {};  ///< First byte of each pixel's window.
  const int64_t* lane_offsets = nullptr;    ///< Byte offset of every lane, atom after atom.
  const uint32_t* atom_begin = nullptr;     ///< First lane of each atom, and the end.
  uint32_t atoms = 0;
  const HalfWeight* weights = nullptr;      ///< [lane][kHalfKernels].
  const uint8_t* weight_nan = nullptr;      ///< Per atom: some weight is NaN; then `raw` is needed.
  const uint16_t* raw = nullptr;            ///< [lane][kHalfKernels], as in memory.
  const HalfSpan* lane_kernels = nullptr;   ///< Per lane.
  const HalfSpan* kernel_lanes = nullptr;   ///< [atom][kHalfKernels].
  int kernels = 0;
  uint32_t* out = nullptr;                  ///< [kernel][kHalfPixels]: FP32 bits.
};

using HalfTileRun = void (*)(const HalfTile& tile);
/// Of Highway's target `bit`.
HalfTileRun vector_half_tile(int64_t bit);

inline constexpr uint32_t kStripKernels = 128;
inline constexpr uint32_t kStripPixels = 24;
inline constexpr uint32_t kHalfGroupKernels = 16;

/// A whole group of kernels (weights.hpp): atom after atom, in each kernel after kernel.
struct HalfGroup {
  const uint8_t* weights = nullptr;
  uint32_t kernels = 0;  ///< At most kHalfGroupKernels.
};

/// A few pixels times up to 128 kernels, whose weights are used where they lie in memory.
struct HalfStrip {
  const uint8_t* pixels[kStripPixels] = {};
  uint32_t pixel_count = 0;
  const int64_t* lane_offsets = nullptr;  ///< As in HalfTile.
  const uint32_t* atom_begin = nullptr;
  uint32_t atoms = 0;
  HalfGroup groups[kStripKernels / kHalfGroupKernels] = {};
  uint32_t group_count = 0;
  uint32_t* out = nullptr;  ///< [pixel][kStripKernels]: FP32 bits.
};
void half_strip_avx512(const HalfStrip& strip);

inline constexpr uint32_t kHalfChannels = 8;

/// Pixels side by side times eight kernels with one channel each (depthwise layers); no NaN among data and weights.
struct HalfDepthwise {
  const uint8_t* pixel = nullptr;  ///< First byte of the first pixel's window, of the first channel.
  int64_t pixel_step = 0;
  uint32_t pixels = 0;
  const int64_t* taps = nullptr;   ///< Byte offsets.
  uint32_t tap_count = 0;
  const float* weights = nullptr;  ///< [tap][kHalfChannels]; infinity as 2^16.
  int32_t* out = nullptr;          ///< [pixel * out_step + channel]: FP32 bits.
  int64_t out_step = 0;
};
using HalfDepthwiseRun = void (*)(const HalfDepthwise& run);
HalfDepthwiseRun vector_half_depthwise(int64_t bit);
bool has_half_avx512();
void half_tile_avx512(const HalfTile& tile);

/// Computes the kernels of `range` into `out`. The window is raw.
struct HalfConvolution {
  const ConvJob& job;
  const ConvWindow& window;
  const DotTarget& target;
};
/// True when convolve_depthwise_halves can take the kernels of `range`.
bool takes_depthwise_halves(const HalfConvolution& conv, KernelRange range, ByteView weights, const AccCube& out);
void convolve_depthwise_halves(const HalfConvolution& conv, ByteView weights, AccCube& out);
void convolve_halves(const HalfConvolution& conv, KernelRange range, ByteView weights, AccCube& out);

}  // namespace medlar::chip
