// SPDX-License-Identifier: Apache-2.0
// Convolutions with one output pixel, such as fully connected layers: each weight is used once, so it is multiplied where it
// lies in memory instead of being packed first.
#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "chip/conv/input/window.hpp"
#include "chip/conv/integer/dot.hpp"
#include "chip/conv/job.hpp"
#include "chip/conv/weights/weights.hpp"

namespace medlar::chip {

class SinglePixel {
 public:
  /// True for jobs that it can compute on `target`.
  static bool takes(const ConvJob& job, WindowForm form, const DotTarget& target);

  /// `weights`: of the kernels of `range`, in memory order. What it is given must outlive it.
  SinglePixel(const ConvJob& job, const ConvWindow& window, const DotTarget& target, KernelRange range, ByteView weights);

  /// Sums of the kernels of [first, first + count) into `out`, zeros beyond the last kernel. `first` is a multiple of 64 from
  /// the range's first kernel on. On any number of threads at once.
  void run(uint32_t first, uint32_t count, int32_t* out) const;

 private:
  std::vector<DotRun> runs_of_group(uint32_t kernels) const;

  const ConvJob& job_;
  const ConvWindow& window_;
  const DotTarget& target_;
  KernelRange range_;
  ByteView weights_;
  std::vector<DotRun> whole_;  ///< Of a whole group of kernels.
  std::vector<DotRun> last_;   ///< Of the last one.
};

}  // namespace medlar::chip
