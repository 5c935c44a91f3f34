// SPDX-License-Identifier: Apache-2.0
// The inner product of the convolution core, behind one seam: a few output pixels times a few blocks of kernels.
// Every target computes the same exact integers; the scalar one is the reference.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace medlar::chip {

inline constexpr int kDotLanes = 16;      ///< Kernels of one block.
inline constexpr int kDotMaxBlocks = 4;
inline constexpr int kDotMaxPixels = 12;    ///< With one or two blocks; six otherwise.
inline constexpr int kDotDiagonalPixels = 48;
inline constexpr int kDotStepBytes = 4 * kDotLanes;  ///< Of one block.

/// A step is four bytes of a pixel: four bytes (data with 128 added, 0 to 255) or two 16-bit words.
/// out[block][pixel * out_step + lane] = start[block * 16 + lane] + sum over rows, taps, steps. Weights of a block:
/// [row][tap][step][lane][four bytes]. Sums wrap at 32 bits; the caller bounds the depth.
struct DotTile {
  const uint8_t* pixels[kDotDiagonalPixels] = {};  ///< First byte of each pixel's window.
  int pixel_count = 0;
  int block_count = 0;
  const uint8_t* weights = nullptr;
  uint64_t block_bytes = 0;      ///< From one block of weights to the next.
  uint32_t rows = 0;
  uint32_t taps = 0;
  uint32_t steps = 0;
  int64_t row_step = 0;          ///< Bytes between the data of neighbouring kernel rows.
  int64_t tap_step = 0;
  uint64_t weight_row_step = 0;  ///< Bytes between the weights of neighbouring rows.
  const int32_t* start = nullptr;
  int32_t* out[kDotMaxBlocks] = {};
  int64_t out_step = 0;          ///< From one pixel to the next.
};

/// One pixel and up to sixteen kernels whose weights lie as in memory: run after run of the pixel's bytes (128 added), for
/// each the same run of every kernel of a group, `bytes` apart. Writes sixteen sums (zero where there is no kernel), which wrap
/// at 32 bits; nothing is to be undone in them.
struct DotRun {
  int64_t data = 0;      ///< Byte offsets.
  uint64_t weights = 0;  ///< Of the group's first kernel.
  uint32_t bytes = 0;    ///< At most 64.
};
struct DotRuns {
  const DotRun* runs = nullptr;
  uint32_t count = 0;
  const uint8_t* data = nullptr;
  const uint8_t* weights = nullptr;  ///< Of the group.
  uint32_t skipped = 0;              ///< Kernels of the group before the first.
  uint32_t kernels = 0;
  int32_t* out = nullptr;
};

/// INT16 from its two planes: out[i] = 256 * high[i] + low[i] + start[i], cut and limited as CACC delivers it (cacc.hpp).
struct DotJoin {
  const int32_t* high = nullptr;
  const int32_t* low = nullptr;
  const int32_t* start = nullptr;
  int32_t* out = nullptr;
  int count = 0;  ///< A multiple of sixteen.
  uint32_t truncate = 0;
};

struct HalfTile;
struct HalfDepthwise;
struct HalfStrip;

struct DotTarget {
  std::string_view name;
  bool has_bytes = false;  ///< INT8 runs in the bytes form; otherwise widened to words.
  void (*bytes)(const DotTile&) = nullptr;
  void (*words)(const DotTile&) = nullptr;
  /// Kernels with one channel each (depthwise layers, whose weights are a diagonal): lane l of block b sees only element
  /// 16 b + l of a pixel; 64 bytes of every tap can be read, whatever the blocks. One step a tap; the weight is the low byte (word) of its four bytes, the rest is zero.
  void (*diagonal_bytes)(const DotTile&) = nullptr;
  void (*diagonal_words)(const DotTile&) = nullptr;
  void (*runs)(const DotRuns&) = nullptr;  ///< With has_bytes.
  void (*join)(const DotJoin&) = nullptr;
  /// Sixteen kernels of 64 bytes each, `stride` apart, to sixteen steps.
  void (*transpose)(const uint8_t* from, uint64_t stride, uint8_t* to) = nullptr;

  /// FP16 (half/half.hpp); null: the written-out model.
  void (*half_tile)(const HalfTile&) = nullptr;
  void (*half_depthwise)(const HalfDepthwise&) = nullptr;
  void (*half_strip)(const HalfStrip&) = nullptr;  ///< Null: tiles for all pixels.

  /// Pixels of a full tile.
  int tile_pixels(int blocks) const { return has_bytes && blocks <= 2 ? kDotMaxPixels : 6; }
};

/// The words of Highway's target `bit` (hwy/targets.h).
DotTarget vector_dot_target(int64_t bit, std::string_view name);

// One per translation unit.
void dot_bytes_scalar(const DotTile& tile);
void dot_words_scalar(const DotTile& tile);
void dot_bytes_avx512(const DotTile& tile);
void dot_words_avx512(const DotTile& tile);
void dot_diagonal_bytes_scalar(const DotTile& tile);
void dot_diagonal_words_scalar(const DotTile& tile);
void dot_diagonal_bytes_avx512(const DotTile& tile);
void dot_runs_scalar(const DotRuns& runs);
void dot_runs_avx512(const DotRuns& runs);
void dot_join_scalar(const DotJoin& join);
void dot_join_avx512(const DotJoin& join);
void dot_transpose_scalar(const uint8_t* from, uint64_t stride, uint8_t* to);
void dot_transpose_avx512(const uint8_t* from, uint64_t stride, uint8_t* to);

}  // namespace medlar::chip
