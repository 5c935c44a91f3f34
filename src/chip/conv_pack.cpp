// SPDX-License-Identifier: Apache-2.0
// Repacking of weights, group by group.
#include "chip/conv_pack.hpp"

#include <algorithm>
#include <cstring>

#include "base/checked.hpp"
#include "base/parallel.hpp"
#include "chip/conv_dot.hpp"

namespace medlar::chip {
namespace {

constexpr uint64_t kStepBytes = 4 * kDotLanes;

/// A run of consecutive elements of one kernel: one tap's share of one channel block.
struct Run {
  const uint8_t* from = nullptr;
  uint32_t element = 0;  ///< First element inside the tap.
  uint32_t count = 0;
};

class Packer {
 public:
  Packer(const ConvJob& job, bool words, PackedWeights& packed)
      : job_(job), widen_(words && job.element_bytes() == 1), packed_(packed) {}

  void pack_group(uint32_t first, uint32_t kernels, const uint8_t* from) {
    const WeightGroup group{.kernels = kernels,
                            .shape = kernel_shape(job_),
                            .atomic_c = job_.machine.atomic_c,
                            .y_extension = job_.y_extension};
    for (uint32_t c = 0; c < group.shape.depth; c += group.atomic_c) {
      const uint32_t count = std::min(group.atomic_c, group.shape.depth - c);
      for (uint32_t row = 0; row < group.shape.rows; ++row) {
        for (uint32_t tap = 0; tap < group.shape.taps; ++tap) {
          uint8_t* to = packed_.bytes.data() + (uint64_t{row} * group.shape.taps + tap) * packed_.steps * kStepBytes;
          for (uint32_t k = 0; k < kernels; ++k) {
            const uint64_t offset = weight_offset(group, k, row, tap, c) * job_.element_bytes();
            pack_run({.from = from + offset, .element = c, .count = count}, first + k, to);
          }
        }
      }
    }
  }

 private:
  void pack_run(const Run& run, uint32_t kernel, uint8_t* tap) {
    uint8_t* to = tap + kernel / kDotLanes * packed_.block_bytes + kernel % kDotLanes * 4;
    if (widen_) {
      for (uint32_t i = 0; i < run.count; ++i) {
        const uint32_t element = run.element + i;
        store_le<int16_t>(to + element / 2 * kStepBytes + element % 2 * 2, static_cast<int8_t>(run.from[i]));
      }
      return;
    }
    const uint32_t bytes = run.count * job_.element_bytes();
    to += run.element * job_.element_bytes() / 4 * kStepBytes;  // blocks start at multiples of four bytes
    uint32_t i = 0;
    for (; i + 4 <= bytes; i += 4, to += kStepBytes) {
      std::memcpy(to, run.from + i, 4);
    }
    std::memcpy(to, run.from + i, bytes - i);
    if (job_.element_bytes() == 1) {
      int32_t sum = 0;
      for (uint32_t j = 0; j < bytes; ++j) {
        sum += static_cast<int8_t>(run.from[j]);
      }
      packed_.sums[kernel] += sum;
    }
  }

  const ConvJob& job_;
  bool widen_;
  PackedWeights& packed_;
};

}  // namespace

PackedWeights pack_weights(const ConvJob& job, KernelRange range, ByteView weights, bool words) {
  const KernelShape shape = kernel_shape(job);
  const uint32_t unit = words ? 2 : job.element_bytes();
  PackedWeights packed;
  packed.blocks = ceil_div<uint32_t>(range.count, kDotLanes);
  packed.steps = round_up(shape.depth, 4u) * unit / 4;
  packed.block_bytes = uint64_t{shape.rows} * shape.taps * packed.steps * kStepBytes;
  packed.bytes.resize(packed.block_bytes * packed.blocks);
  packed.sums.resize(uint64_t{packed.blocks} * kDotLanes);
  const uint32_t group = job.machine.kernels_per_group;
  const uint64_t kernel_bytes = job.kernel_elements() * job.element_bytes();
  const int64_t groups = ceil_div(range.count, group);
  // Groups write disjoint kernels, hence disjoint bytes.
  parallel_for(groups, 1, [&](int64_t begin, int64_t end) {
    Packer packer(job, words, packed);
    for (int64_t g = begin; g < end; ++g) {
      const auto first = static_cast<uint32_t>(g) * group;
      packer.pack_group(first, std::min(group, range.count - first), weights.data() + first * kernel_bytes);
    }
  });
  return packed;
}

}  // namespace medlar::chip
