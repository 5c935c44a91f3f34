// SPDX-License-Identifier: Apache-2.0
// Repacking of weights, group by group.
#include "chip/conv/weights/pack.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/checked.hpp"
#include "base/parallel.hpp"
#include "chip/conv/weights/diagonal.hpp"

namespace medlar::chip {
namespace {

/// One tap's share of one channel block: the same run of elements of every kernel of a group.
struct Run {
  const uint8_t* from = nullptr;  ///< Of the group's first kernel.
  uint64_t stride = 0;            ///< Bytes from one kernel to the next.
  uint32_t element = 0;           ///< First element inside the tap.
  uint32_t count = 0;
  uint8_t* to = nullptr;          ///< The tap in the first block.
};

class Packer {
 public:
  Packer(const PackRequest& request, PackedWeights& packed)
      : job_(request.job),
        target_(request.target),
        widen_(request.words && request.job.element_bytes() == 1),
        packed_(packed) {}

  void pack_group(uint32_t first, uint32_t kernels, const uint8_t* from) {
    const WeightGroup group{.kernels = kernels,
                            .shape = kernel_shape(job_),
                            .atomic_c = job_.machine.atomic_c,
                            .y_extension = job_.y_extension};
    const uint64_t unit = job_.element_bytes();
    for (uint32_t c = 0; c < group.shape.depth; c += group.atomic_c) {
      for (uint32_t row = 0; row < group.shape.rows; ++row) {
        for (uint32_t tap = 0; tap < group.shape.taps; ++tap) {
          const uint64_t offset = weight_offset(group, 0, row, tap, c);
          pack_run({.from = from + offset * unit,
                    .stride = (weight_offset(group, 1, row, tap, c) - offset) * unit,
                    .element = c,
                    .count = std::min(group.atomic_c, group.shape.depth - c),
                    .to = packed_.bytes.data() + (uint64_t{row} * group.shape.taps + tap) * packed_.steps * kDotStepBytes},
                   first, kernels);
        }
      }
    }
  }

 private:
  void pack_run(const Run& run, uint32_t first, uint32_t kernels) {
    const uint32_t bytes = run.count * job_.element_bytes();
    uint32_t k = 0;
    if (!widen_ && bytes % 64 == 0 && first % kDotLanes == 0) {
      for (; k + kDotLanes <= kernels; k += kDotLanes) {
        const uint8_t* from = run.from + k * run.stride;
        uint8_t* to = place(run, first + k);
        for (uint32_t i = 0; i < bytes; i += 64) {
          target_.transpose(from + i, run.stride, to + i / 4 * kDotStepBytes);
        }
      }
    }
    for (; k < kernels; ++k) {
      widen_ ? widen_kernel(run, run.from + k * run.stride, first + k)
             : copy_kernel(run.from + k * run.stride, bytes, place(run, first + k));
    }
  }

  /// Where a kernel's run starts: runs start at multiples of four bytes.
  uint8_t* place(const Run& run, uint32_t kernel) const {
    const uint32_t unit = widen_ ? 2 : job_.element_bytes();
    return run.to + kernel / kDotLanes * packed_.block_bytes + kernel % kDotLanes * 4 +
           uint64_t{run.element} * unit / 4 * kDotStepBytes;
  }

  void widen_kernel(const Run& run, const uint8_t* from, uint32_t kernel) const {
    uint8_t* to = place(run, kernel);
    for (uint32_t i = 0; i < run.count; ++i) {
      store_le<int16_t>(to + i / 2 * kDotStepBytes + i % 2 * 2, static_cast<int8_t>(from[i]));
    }
  }

  static void copy_kernel(const uint8_t* from, uint32_t bytes, uint8_t* to) {
    uint32_t i = 0;
    for (; i + 4 <= bytes; i += 4, to += kDotStepBytes) {
      std::memcpy(to, from + i, 4);
    }
    std::memcpy(to, from + i, bytes - i);
  }

  const ConvJob& job_;
  const DotTarget& target_;
  bool widen_;
  PackedWeights& packed_;
};

/// Minus 128 times the sum of every kernel's weights: the inner product with ones. Blocks [first, last).
void fill_bias(const PackRequest& request, uint32_t first, uint32_t last, PackedWeights& packed) {
  if (request.words || request.job.element_bytes() != 1) {
    return;
  }
  const KernelShape shape = kernel_shape(request.job);
  const ByteBuffer ones(uint64_t{packed.steps} * 4, 1);
  alignas(64) static constexpr std::array<int32_t, kDotLanes * kDotMaxBlocks> kZero{};
  for (uint32_t block = first; block < last; block += kDotMaxBlocks) {
    DotTile tile{};
    tile.pixels[0] = ones.data();
    tile.pixel_count = 1;
    tile.block_count = static_cast<int>(std::min<uint32_t>(kDotMaxBlocks, last - block));
    tile.weights = packed.bytes.data() + block * packed.block_bytes;
    tile.block_bytes = packed.block_bytes;
    tile.rows = shape.rows;
    tile.taps = shape.taps;
    tile.steps = packed.steps;
    tile.weight_row_step = uint64_t{shape.taps} * packed.steps * kDotStepBytes;
    tile.start = kZero.data();
    for (int i = 0; i < tile.block_count; ++i) {
      tile.out[i] = &packed.bias[(uint64_t{block} + static_cast<uint32_t>(i)) * kDotLanes];
    }
    request.target.bytes(tile);
  }
  for (uint32_t i = first * kDotLanes; i < last * kDotLanes; ++i) {
    packed.bias[i] *= -128;
  }
}

}  // namespace

namespace {

void pack_diagonal(const PackRequest& request, KernelRange range, ByteView weights, PackedWeights& packed) {
  const ConvJob& job = request.job;
  const KernelShape shape = kernel_shape(job);
  packed.diagonal = true;
  packed.blocks = ceil_div<uint32_t>(range.count, kDotLanes);
  packed.steps = 1;
  packed.block_bytes = uint64_t{shape.rows} * shape.taps * kDotStepBytes;
  packed.bytes.resize(packed.block_bytes * packed.blocks);
  std::memset(packed.bytes.data(), 0, packed.bytes.size());
  const uint32_t unit = job.element_bytes();
  for (uint32_t k = 0; k < range.count; ++k) {
    uint8_t* to = packed.bytes.data() + k / kDotLanes * packed.block_bytes + k % kDotLanes * 4;
    const DiagonalWeights diagonal(job, k);
    for (uint32_t tap = 0; tap < shape.rows * shape.taps; ++tap, to += kDotStepBytes) {
      const uint8_t* const at = weights.data() + diagonal.at(tap) * unit;
      if (request.words) {
        store_le<int16_t>(to, unit == 2 ? load_le<int16_t>(at) : static_cast<int8_t>(*at));
      } else {
        *to = *at;
      }
    }
  }
  packed.bias.assign(uint64_t{packed.blocks} * kDotLanes, 0);
  fill_bias(request, 0, packed.blocks, packed);
}

}  // namespace

void pack_weights(const PackRequest& request, KernelRange range, ByteView weights, PackedWeights& packed) {
  if (is_diagonal(request.job, range, weights)) {
    pack_diagonal(request, range, weights, packed);
    return;
  }
  packed.diagonal = false;
  const ConvJob& job = request.job;
  const KernelShape shape = kernel_shape(job);
  const uint32_t unit = request.words ? 2 : job.element_bytes();
  packed.blocks = ceil_div<uint32_t>(range.count, kDotLanes);
  packed.steps = round_up(shape.depth, 4u) * unit / 4;
  packed.block_bytes = uint64_t{shape.rows} * shape.taps * packed.steps * kDotStepBytes;
  packed.bytes.resize(packed.block_bytes * packed.blocks);
  if (shape.depth % 4 != 0) {
    std::memset(packed.bytes.data(), 0, packed.bytes.size());
  } else if (range.count % kDotLanes != 0) {  // only lanes of the last block have no weights
    std::memset(packed.bytes.data() + packed.bytes.size() - packed.block_bytes, 0, packed.block_bytes);
  }
  packed.bias.assign(uint64_t{packed.blocks} * kDotLanes, 0);
  const uint32_t group = job.machine.kernels_per_group;
  const uint32_t unit_kernels = std::max<uint32_t>(group, kDotLanes);  // whole groups and whole blocks
  const uint64_t kernel_bytes = job.kernel_elements() * job.element_bytes();
  constexpr uint64_t kGrainBytes = uint64_t{32} << 10;  // Below this a thread costs more than it saves.
  const auto grain = static_cast<int64_t>(std::max<uint64_t>(1, kGrainBytes / (unit_kernels * kernel_bytes + 1)));
  // Groups write disjoint kernels, hence disjoint bytes.
  parallel_for(ceil_div(range.count, unit_kernels), grain, [&](int64_t begin, int64_t end) {
    Packer packer(request, packed);
    const uint32_t last = std::min(static_cast<uint32_t>(end) * unit_kernels, range.count);
    for (uint32_t first = static_cast<uint32_t>(begin) * unit_kernels; first < last; first += group) {
      packer.pack_group(first, std::min(group, range.count - first), weights.data() + first * kernel_bytes);
    }
    fill_bias(request, static_cast<uint32_t>(begin) * unit_kernels / kDotLanes, ceil_div<uint32_t>(last, kDotLanes), packed);
  });
}

}  // namespace medlar::chip
