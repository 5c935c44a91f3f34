// SPDX-License-Identifier: Apache-2.0
// Greedy choice of the weights that round the other way.
#include "compiler/quantise/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace medlar::compiler {
namespace {

constexpr size_t kMostFlips = 64;
/// Weights looked at for one kernel; large ones, whose errors average out anyway, get fewer flips.
constexpr size_t kMostWork = 200000;

/// The weights [begin, end) of a kernel and what an error of each one counts in their sum.
class Group {
 public:
  Group(const Kernel& kernel, std::vector<double>& rounded, size_t begin, size_t end, bool weighted)
      : kernel_(kernel), rounded_(rounded), begin_(begin), end_(end), weighted_(weighted) {
    for (size_t i = begin; i < end; ++i) {
      sum_ += importance(i) * (rounded[i] - kernel.exact[i]);
    }
  }

  void settle() {
    const size_t most = std::min(kMostFlips, kMostWork / (end_ - begin_) + 1);
    for (size_t flips = 0; flips < most && flip_best(); ++flips) {
    }
  }

 private:
  double importance(size_t i) const { return weighted_ && !kernel_.mean.empty() ? kernel_.mean[i / kernel_.taps] : 1.0; }

  /// Moves the weight whose move gains most for its cost; false when none gains more than it costs.
  bool flip_best() {
    double best = 1.0;
    size_t chosen = end_;
    double move = 0.0;
    for (size_t i = begin_; i < end_; ++i) {
      const double w = importance(i);
      if (kernel_.exact[i] == 0.0 || w == 0.0) {
        continue;
      }
      const double error = rounded_[i] - kernel_.exact[i];
      const double delta = (sum_ * w > 0.0 ? -1.0 : 1.0) * kernel_.step[i];
      const double after = error + delta;
      const bool outside = kernel_.limit > 0.0 && std::fabs(rounded_[i] + delta) > kernel_.limit * kernel_.step[i] * (1.0 + 1e-9);
      if (std::fabs(after) >= kernel_.step[i] || outside) {
        continue;
      }
      const double gain = sum_ * sum_ - (sum_ + w * delta) * (sum_ + w * delta);
      const double cost = w * w * (after * after - error * error);
      if (gain > 0.0 && cost < best * gain) {
        best = cost / gain;
        chosen = i;
        move = delta;
      }
    }
    if (chosen == end_) {
      return false;
    }
    rounded_[chosen] += move;
    sum_ += importance(chosen) * move;
    return true;
  }

  const Kernel& kernel_;
  std::vector<double>& rounded_;
  size_t begin_, end_;
  bool weighted_;
  double sum_ = 0.0;
};

}  // namespace

std::vector<double> round_keeping_sums(const Kernel& kernel) {
  std::vector<double> rounded(kernel.exact.size());
  for (size_t i = 0; i < rounded.size(); ++i) {
    const double largest = kernel.limit > 0.0 ? kernel.limit : std::numeric_limits<double>::infinity();
    rounded[i] = std::clamp(std::round(kernel.exact[i] / kernel.step[i]), -largest, largest) * kernel.step[i];
  }
  for (size_t begin = 0; kernel.taps > 1 && begin < rounded.size(); begin += kernel.taps) {
    Group(kernel, rounded, begin, begin + kernel.taps, false).settle();
  }
  Group(kernel, rounded, 0, rounded.size(), true).settle();
  return rounded;
}

}  // namespace medlar::compiler
