// SPDX-License-Identifier: Apache-2.0
// Tiling of FP16 convolutions, and their weights taken apart.
#include "chip/conv/half/half.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>

#include "base/checked.hpp"
#include "base/parallel.hpp"
#include "chip/conv/half/layout.hpp"
#include "chip/conv/half/strip.hpp"
#include "num/fp_mac.hpp"

namespace medlar::chip {
namespace {

/// Without branches: in layers with few pixels this is most of the work.
HalfWeight take_apart(uint32_t bits) {
  const uint32_t exponent = bits >> 10 & 0x1f;
  const uint32_t sign = bits >> 15;
  const uint32_t fraction = bits & 0x3ff;
  const uint32_t mantissa = exponent == 0 ? fraction * 2 : (fraction | 0x400) << (exponent & 3);
  const uint32_t list = sign * kHalfLowLists + (mantissa & 0xff);
  const uint32_t high_list = 2 * kHalfLowLists + sign * kHalfHighLists + (mantissa >> 7);
  const auto factor = static_cast<int32_t>((mantissa ^ (0 - sign)) + sign);
  const auto quad = static_cast<int32_t>(exponent >> 2);
  return {.factor = static_cast<int16_t>(factor),
          .exponent = static_cast<int8_t>(quad * 4),
          .quad = static_cast<int8_t>(mantissa == 0 ? HalfWeight().quad : quad),
          .low_rows = static_cast<uint16_t>(list * kHalfRowListBytes),
          .high_rows = static_cast<uint16_t>(high_list * kHalfRowListBytes)};
}

/// From a mask of the places that are not empty.
HalfSpan span_of(uint64_t mask) {
  return mask == 0 ? HalfSpan() : HalfSpan{.first = static_cast<uint8_t>(std::countr_zero(mask)), .last = static_cast<uint8_t>(std::bit_width(mask))};
}

/// The weights of kHalfKernels kernels in atom order.
struct HalfBlock {
  std::vector<HalfWeight> words;
  std::vector<uint16_t> raw;
  std::vector<uint8_t> nan;  ///< Per atom.
  std::vector<HalfSpan> lane_kernels;
  std::vector<HalfSpan> kernel_lanes;  ///< [atom][kHalfKernels].
};

/// Kernels of one group that fall into a block.
struct GroupPart {
  WeightGroup group;
  const uint8_t* from = nullptr;  ///< The group's weights.
  uint32_t first = 0;             ///< First kernel, in the group.
  uint32_t count = 0;
  uint32_t column = 0;            ///< First kernel, in the block.
};

std::vector<GroupPart> parts_of(const ConvJob& job, KernelRange range, uint32_t first, ByteView weights) {
  const uint32_t group_size = job.machine.kernels_per_group;
  const uint64_t kernel_bytes = job.kernel_elements() * 2;
  const uint32_t end = std::min<uint32_t>(first + kHalfKernels, range.count);
  std::vector<GroupPart> parts;
  for (uint32_t k = first; k < end;) {
    const uint32_t start = k / group_size * group_size;
    const uint32_t size = std::min(group_size, range.count - start);
    const uint32_t count = std::min(start + size, end) - k;
    parts.push_back({.group = {.kernels = size,
                               .shape = kernel_shape(job),
                               .atomic_c = job.machine.atomic_c,
                               .y_extension = job.y_extension},
                     .from = weights.data() + start * kernel_bytes,
                     .first = k - start,
                     .count = count,
                     .column = k - first});
    k += count;
  }
  return parts;
}

void pack_atom(const AtomOrder& order, size_t atom, const GroupPart& part, HalfBlock& block) {
  std::array<uint64_t, kHalfKernels> channels{};  ///< Of each kernel: those with a weight.
  bool nan = false;
  for (uint32_t i = order.begin[atom]; i < order.begin[atom + 1]; ++i) {
    const AtomOrder::Lane& lane = order.lanes[i];
    const uint64_t offset = weight_offset(part.group, part.first, lane.row, lane.tap, lane.element);
    const uint64_t stride = weight_offset(part.group, part.first + 1, lane.row, lane.tap, lane.element) - offset;
    const uint8_t* from = part.from + offset * 2;
    uint16_t* const raw = block.raw.data() + size_t{i} * kHalfKernels + part.column;
    HalfWeight* const words = block.words.data() + size_t{i} * kHalfKernels + part.column;
    const uint32_t channel = i - order.begin[atom];
    uint64_t kernels = 0;
    for (uint32_t k = 0; k < part.count; ++k, from += stride * 2) {
      const auto bits = load_le<uint16_t>(from);
      raw[k] = bits;
      words[k] = take_apart(bits);
      nan |= num::half_is_nan(bits);
      const uint64_t used = num::half_is_zero(bits) ? 0 : 1;
      kernels |= used << k;
      channels[k] |= used << channel;
    }
    block.lane_kernels[i].join(span_of(kernels << part.column));
  }
  block.nan[atom] |= nan ? 1 : 0;
  for (uint32_t k = 0; k < part.count; ++k) {
    block.kernel_lanes[atom * kHalfKernels + part.column + k] = span_of(channels[k]);
  }
}

/// How a loop runs: parallel_for, or alone on a thread that is one of many already.
using Loop = void (*)(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

void run_alone(int64_t count, int64_t, const std::function<void(int64_t, int64_t)>& body) { body(0, count); }

/// Words of kernels that the block does not have keep what they were: nobody looks at them.
void pack_block(const HalfLayer& layer, uint32_t first, Loop loop, HalfBlock& block) {
  const AtomOrder& order = layer.order;
  const size_t lanes = order.lanes.size();
  const size_t atoms = order.begin.size() - 1;
  block.words.resize(lanes * kHalfKernels);
  block.raw.resize(lanes * kHalfKernels);
  block.nan.assign(atoms, 0);
  block.lane_kernels.assign(lanes, {});
  block.kernel_lanes.assign(atoms * kHalfKernels, {});
  const std::vector<GroupPart> parts = parts_of(layer.conv.job, layer.range, first, layer.weights);
  loop(static_cast<int64_t>(atoms), 4, [&](int64_t begin, int64_t end) {
    for (int64_t atom = begin; atom < end; ++atom) {
      for (const GroupPart& part : parts) {
        pack_atom(order, static_cast<size_t>(atom), part, block);
      }
    }
  });
}

/// Pixels from `first` on, at most a tile of them.
void run_tile(const HalfLayer& layer, uint64_t first, uint32_t first_kernel, HalfTile tile) {
  alignas(64) std::array<uint32_t, kHalfKernels * kHalfPixels> sums;
  std::array<int32_t*, kHalfPixels> results;
  const uint64_t count = std::min<uint64_t>(kHalfPixels, layer.places.count() - first);
  for (uint64_t i = 0; i < kHalfPixels; ++i) {
    const uint64_t pixel = first + std::min(i, count - 1);
    tile.pixels[i] = layer.places.window(pixel);
    results[i] = layer.places.result(pixel);
  }
  tile.out = sums.data();
  layer.conv.target.half_tile(tile);
  for (int k = 0; k < tile.kernels; ++k) {
    const uint64_t offset = layer.places.kernel_offset(first_kernel + static_cast<uint32_t>(k));
    for (uint64_t i = 0; i < count; ++i) {
      results[i][offset] = static_cast<int32_t>(sums[static_cast<size_t>(k) * kHalfPixels + i]);
    }
  }
}

/// The kernels of one block: `tiles` tiles of pixels.
void run_block(const HalfLayer& layer, uint32_t first, int64_t tiles, Loop loop, HalfBlock& block) {
  pack_block(layer, first, loop, block);
  const HalfTile tile{.lane_offsets = layer.order.offsets.data(),
                      .atom_begin = layer.order.begin.data(),
                      .atoms = static_cast<uint32_t>(layer.order.begin.size() - 1),
                      .weights = block.words.data(),
                      .weight_nan = block.nan.data(),
                      .raw = block.raw.data(),
                      .lane_kernels = block.lane_kernels.data(),
                      .kernel_lanes = block.kernel_lanes.data(),
                      .kernels = static_cast<int>(std::min<uint32_t>(kHalfKernels, layer.range.count - first))};
  loop(tiles, 1, [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; ++index) {
      run_tile(layer, static_cast<uint64_t>(index) * kHalfPixels, layer.range.first + first, tile);
    }
  });
}

/// The first `pixels` pixels. Threads share a block's tiles where there are many, otherwise the blocks.
void run_tiles(const HalfLayer& layer, uint64_t pixels) {
  const auto tiles = static_cast<int64_t>(ceil_div<uint64_t>(pixels, kHalfPixels));
  const int64_t blocks = tiles == 0 ? 0 : ceil_div<int64_t>(layer.range.count, kHalfKernels);
  const int64_t threads = parallel_threads();
  const bool share_blocks = tiles < 8 * threads && blocks >= threads;
  const auto run = [&](int64_t begin, int64_t end, Loop loop) {
    HalfBlock block;
    for (int64_t at = begin; at < end; ++at) {
      run_block(layer, static_cast<uint32_t>(at) * kHalfKernels, tiles, loop, block);
    }
  };
  if (share_blocks) {
    parallel_for(blocks, 1, [&](int64_t begin, int64_t end) { run(begin, end, run_alone); });
  } else {
    run(0, blocks, parallel_for);
  }
}

}  // namespace

void convolve_halves(const HalfConvolution& conv, KernelRange range, ByteView weights, AccCube& out) {
  if (takes_depthwise_halves(conv, range, weights, out)) {
    convolve_depthwise_halves(conv, weights, out);
    return;
  }
  const HalfPlaces places(conv.job, conv.window, out);
  const HalfLayer layer{.conv = conv, .range = range, .weights = weights, .order = atom_order(conv.job, conv.window), .places = places};
  const uint32_t rest = strip_pixels(layer);
  run_tiles(layer, places.count() - rest);
  if (rest > 0) {
    run_strips(layer, rest);
  }
}

}  // namespace medlar::chip
