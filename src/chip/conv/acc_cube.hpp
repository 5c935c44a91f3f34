// SPDX-License-Identifier: Apache-2.0
// What the convolution core hands to SDP: one 32-bit value per output element, before the activation stages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/status.hpp"

namespace medlar::chip {

/// Laid out [batch][surface][y][x][lane], dense. Lanes beyond the last channel hold zero.
struct AccCube {
  int w = 0;
  int h = 0;
  int c = 0;
  int lanes = 0;    ///< Elements of a memory atom at the processing precision (32-byte atoms: 32 INT8, 16 else).
  int batches = 1;
  std::vector<int32_t> data;  ///< INT8, INT16: integers after CACC's truncation; FP16: FP32 bit patterns.

  int surfaces() const { return (c + lanes - 1) / lanes; }
  size_t elements() const {
    return static_cast<size_t>(batches) * static_cast<size_t>(surfaces()) * static_cast<size_t>(h) *
           static_cast<size_t>(w) * static_cast<size_t>(lanes);
  }
};

/// Neighbouring pixels (in the order of lines) of neighbouring surfaces.
struct AccPiece {
  int64_t first_pixel = 0;
  int64_t pixels = 0;
  int first_surface = 0;  ///< A multiple of AccFeed::piece_surfaces.
  int surfaces = 0;
};

/// A convolution's result on its way to SDP: piece by piece on all threads where that is possible, so that it stays in the
/// first cache, otherwise one band of rows after the other.
struct AccFeed {
  AccCube shape;      ///< Sizes of the whole; no data.
  int band_rows = 0;  ///< Rows of a band; the last one may have fewer.
  int64_t bound = int64_t{1} << 31;  ///< No integer's magnitude is larger.
  /// All batches and surfaces of rows [first, first + count); valid until the next call.
  std::function<Result<const AccCube*>(int first, int count)> rows;

  /// Null where only bands are possible. Otherwise writes a piece to `out`, [surface][pixel][lane]; may be called from any
  /// number of threads at once.
  std::function<void(const AccPiece&, int32_t* out)> piece;
  int64_t piece_pixels = 0;  ///< Largest piece.
  int piece_surfaces = 0;
  int64_t block_pixels = 0;  ///< Pixels whose input stays in the second cache: all surfaces of them come before others'.
  int64_t products = 0;      ///< Of one element, to judge what a thread is worth.
};

}  // namespace medlar::chip
