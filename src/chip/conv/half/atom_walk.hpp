// SPDX-License-Identifier: Apache-2.0
// One atom against all kernels of a tile, channel after channel: the same walk for every leaf.
#pragma once

#include "chip/conv/half/half.hpp"

namespace medlar::chip {

/// A Leaf has, for channel `c` of an atom whose first lane is `first`:
///   bool take_apart(int64_t offset, uint32_t c)        the pixels' bits; true when one is NaN
///   bool any(uint32_t c)                               some pixel is not zero
///   void add_nan_atom(uint32_t first, uint32_t lanes)  the whole atom, one pixel and kernel after the other
///   void start(uint32_t first, const HalfSpan* own, bool deep)  largest exponents, sums of zero; own: each kernel's channels;
///                                                       deep: flush may come
///   void add_channel(uint32_t first, uint32_t c, HalfSpan kernels)
///   void flush(HalfSpan kernels)                       the sums of a few channels to where more fit
///   void accumulate(const HalfSpan* own)               the atom's sums to CACC
template <typename Leaf>
void add_half_atom(const HalfTile& tile, uint32_t atom, Leaf& leaf) {
  constexpr uint32_t kChannelsPerFlush = 7;  // seven products of 28 bits and a sign fit 32 bits
  const uint32_t first = tile.atom_begin[atom];
  const uint32_t lanes = tile.atom_begin[atom + 1] - first;
  bool nan = tile.weight_nan[atom] != 0;
  for (uint32_t c = 0; c < lanes; ++c) {
    nan |= leaf.take_apart(tile.lane_offsets[first + c], c);
  }
  if (nan) {
    leaf.add_nan_atom(first, lanes);
    return;
  }
  const HalfSpan* const own = tile.kernel_lanes + uint64_t{atom} * kHalfKernels;
  leaf.start(first, own, lanes > kChannelsPerFlush);
  uint32_t pending = 0;
  HalfSpan touched;
  for (uint32_t c = 0; c < lanes; ++c) {
    const HalfSpan kernels = tile.lane_kernels[first + c];
    if (kernels.empty() || !leaf.any(c)) {
      continue;
    }
    if (pending == kChannelsPerFlush) {
      leaf.flush(touched);
      touched = {};
      pending = 0;
    }
    leaf.add_channel(first, c, kernels);
    touched.join(kernels);
    ++pending;
  }
  leaf.accumulate(own);
}

}  // namespace medlar::chip
