// SPDX-License-Identifier: Apache-2.0
#include "chip/conv/integer/single.hpp"

#include <algorithm>
#include <cstring>

#include "chip/conv/integer/cacc.hpp"

namespace medlar::chip {

bool SinglePixel::takes(const ConvJob& job, WindowForm form, const DotTarget& target) {
  constexpr uint32_t kRunBytes = 64;
  constexpr uint64_t kMaxElements = uint64_t{1} << 16;  // sums of products of 14 bits fit 32
  return uint64_t{job.out_w} * job.out_h * job.batches == 1 && form == WindowForm::kBytes && target.runs != nullptr &&
         job.mode == ConvMode::kDirect && job.machine.atomic_c == kRunBytes && job.machine.kernels_per_group % kDotLanes == 0 &&
         job.kernel_elements() < kMaxElements;
}

SinglePixel::SinglePixel(const ConvJob& job, const ConvWindow& window, const DotTarget& target, KernelRange range, ByteView weights)
    : job_(job), window_(window), target_(target), range_(range), weights_(weights) {
  const uint32_t group = job.machine.kernels_per_group;
  whole_ = runs_of_group(group);
  last_ = range.count % group == 0 ? whole_ : runs_of_group(range.count % group);
}

std::vector<DotRun> SinglePixel::runs_of_group(uint32_t kernels) const {
  const WeightGroup group{.kernels = kernels, .shape = kernel_shape(job_), .atomic_c = job_.machine.atomic_c, .y_extension = 1};
  std::vector<DotRun> runs;
  for (uint32_t c = 0; c < group.shape.depth; c += group.atomic_c) {
    for (uint32_t row = 0; row < group.shape.rows; ++row) {
      for (uint32_t tap = 0; tap < group.shape.taps; ++tap) {
        runs.push_back({.data = row * window_.row_step + tap * window_.tap_step + c,
                        .weights = weight_offset(group, 0, row, tap, c),
                        .bytes = std::min(group.atomic_c, group.shape.depth - c)});
      }
    }
  }
  return runs;
}

void SinglePixel::run(uint32_t first, uint32_t count, int32_t* out) const {
  const uint32_t group = job_.machine.kernels_per_group;
  for (uint32_t k = first; k < first + count; k += kDotLanes) {
    alignas(64) int32_t sums[kDotLanes] = {};
    const uint32_t own = k - range_.first;
    if (own < range_.count) {
      const uint32_t start = own / group * group;
      const bool whole = start + group <= range_.count;
      const std::vector<DotRun>& runs = whole ? whole_ : last_;
      target_.runs({.runs = runs.data(), .count = static_cast<uint32_t>(runs.size()), .data = window_.at(0, 0, 0, 0),
                    .weights = weights_.data() + start * job_.kernel_elements(), .skipped = own - start,
                    .kernels = std::min<uint32_t>(kDotLanes, range_.count - own), .out = sums});
    }
    for (uint32_t i = 0; i < std::min<uint32_t>(kDotLanes, first + count - k); ++i) {
      out[k - first + i] = cacc_deliver(sums[i], job_.clip_truncate);
    }
  }
}

}  // namespace medlar::chip
