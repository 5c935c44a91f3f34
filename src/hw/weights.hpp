// SPDX-License-Identifier: Apache-2.0
// Order of convolution weights in memory (NVDLA weight formats), for whoever packs them and whoever reads
// them.
#pragma once

#include "base/checked.hpp"
#include "hw/config.hpp"

#include <algorithm>
#include <cstdint>

namespace medlar::hw {

/// Kernels x channels x rows x columns.
struct WeightShape {
  uint32_t k = 1;
  uint32_t c = 1;
  uint32_t r = 1;
  uint32_t s = 1;

  constexpr uint64_t elements() const { return uint64_t{k} * c * r * s; }
  friend bool operator==(const WeightShape&, const WeightShape&) = default;
};

/// Sizes that decide the order.
struct WeightBlocking {
  uint32_t group = 32;          ///< Kernels side by side.
  uint32_t channel_block = 64;  ///< Channels side by side; the last block is partial, not padded.

  static constexpr WeightBlocking of(const HwConfig& config, Precision precision) {
    return {config.kernels_per_group(precision), config.atomic_c};
  }
};

/// Direct convolution: for kernel group, channel block, row, column, kernel of the group, channel of the
/// block. Element index of weight (k, c, r, s).
constexpr uint64_t direct_weight_index(const WeightShape& shape, const WeightBlocking& blocking, uint32_t k,
                                       uint32_t c, uint32_t position) {
  const uint32_t group = k / blocking.group;
  const uint32_t in_group = std::min(blocking.group, shape.k - group * blocking.group);
  const uint32_t block = c / blocking.channel_block;
  const uint32_t in_block = std::min(blocking.channel_block, shape.c - block * blocking.channel_block);
  const uint64_t taps = uint64_t{shape.r} * shape.s;
  const uint64_t before_group = uint64_t{group} * blocking.group * shape.c * taps;
  const uint64_t before_block = uint64_t{in_group} * block * blocking.channel_block * taps;
  return before_group + before_block + (uint64_t{position} * in_group + k % blocking.group) * in_block +
         c % blocking.channel_block;
}

constexpr uint64_t direct_weight_index(const WeightShape& shape, const WeightBlocking& blocking, uint32_t k,
                                       uint32_t c, uint32_t r, uint32_t s) {
  return direct_weight_index(shape, blocking, k, c, r * shape.s + s);
}

/// Calls visit(index, k, c, r, s) for every weight in memory order.
template <typename Visit>
constexpr void for_each_direct_weight(const WeightShape& shape, const WeightBlocking& blocking,
                                      Visit&& visit) {
  uint64_t index = 0;
  for (uint32_t k0 = 0; k0 < shape.k; k0 += blocking.group) {
    const uint32_t k1 = std::min(shape.k, k0 + blocking.group);
    for (uint32_t c0 = 0; c0 < shape.c; c0 += blocking.channel_block) {
      const uint32_t c1 = std::min(shape.c, c0 + blocking.channel_block);
      for (uint32_t rs = 0; rs < shape.r * shape.s; ++rs) {
        for (uint64_t kc = 0; kc < uint64_t{k1 - k0} * (c1 - c0); ++kc, ++index) {
          visit(index, k0 + static_cast<uint32_t>(kc / (c1 - c0)), c0 + static_cast<uint32_t>(kc % (c1 - c0)),
                rs / shape.s, rs % shape.s);
        }
      }
    }
  }
}

/// Shape of image weights after pre-extension: columns are folded into channels (c' = s * components + c).
constexpr WeightShape pre_extended(const WeightShape& shape, uint32_t components) {
  return {shape.k, components * shape.s, shape.r, 1};
}

/// Rows that image weights interleave (1, 2 or 4): D_POST_Y_EXTENSION is half of it.
/// `shape` is that of the network: its own channel count and columns; `components` the pixel's.
constexpr uint32_t post_extension_rows(const WeightShape& shape, uint32_t components, uint32_t stride_x,
                                       uint32_t atomic_c) {
  const uint32_t folded = components * shape.s;
  if (stride_x > shape.s || folded > atomic_c || shape.r < 2) {
    return 1;
  }
  if (shape.r >= 4 && components * stride_x * 3 + folded <= atomic_c && folded <= atomic_c / 4) {
    return 4;
  }
  return components * stride_x + folded <= atomic_c && folded <= atomic_c / 2 ? 2 : 1;
}

/// Image weights with `rows` interleaved: for kernel group, row group, kernel, row of the group, folded
/// channel. Calls visit(index, k, folded channel, r). `shape` is the pre-extended one. rows = 1 is the direct
/// order.
template <typename Visit>
constexpr void for_each_image_weight(const WeightShape& shape, const WeightBlocking& blocking, uint32_t rows,
                                     Visit&& visit) {
  if (rows <= 1) {
    for_each_direct_weight(shape, blocking, [&](uint64_t i, uint32_t k, uint32_t c, uint32_t r, uint32_t) {
      visit(i, k, c, r);
    });
    return;
  }
  uint64_t index = 0;
  for (uint32_t k0 = 0; k0 < shape.k; k0 += blocking.group) {
    const uint32_t k1 = std::min(shape.k, k0 + blocking.group);
    for (uint32_t r0 = 0; r0 < shape.r; r0 += rows) {
      const uint32_t r1 = std::min(shape.r, r0 + rows);
      for (uint32_t k = k0; k < k1; ++k) {
        for (uint64_t rc = 0; rc < uint64_t{r1 - r0} * shape.c; ++rc, ++index) {
          visit(index, k, static_cast<uint32_t>(rc % shape.c), r0 + static_cast<uint32_t>(rc / shape.c));
        }
      }
    }
  }
}

/// Bytes of a weight blob: padded to exactly one CBUF entry.
constexpr uint64_t weight_blob_bytes(uint64_t elements, Precision precision, const HwConfig& config) {
  return round_up(elements * bytes_per_element(precision), uint64_t{config.cbuf_entry_bytes});
}

}  // namespace medlar::hw
