// SPDX-License-Identifier: Apache-2.0
// Rounding of a kernel's weights that keeps their sums. Neighbouring pixels of a channel are nearly equal, and activations
// behind a ReLU are positive, so errors that cancel within a channel's taps and over the kernel cost a fraction of those
// that do not.
#pragma once

#include <span>
#include <vector>

namespace medlar::compiler {

/// One kernel: `exact` weights, channel by channel with `taps` each; weight i lies on multiples of step[i]. Zeros stay zeros.
struct Kernel {
  std::span<const double> exact;
  std::span<const double> step;
  size_t taps = 1;
  std::span<const double> mean;  ///< Of the input, by channel; empty: not known, all alike.
  double limit = 0.0;            ///< Largest magnitude, in steps; 0: none.
};

/// Each weight on one of its two neighbouring multiples: the nearer one, except where moving to the other brings a sum nearer
/// to its exact value by more than it costs.
std::vector<double> round_keeping_sums(const Kernel& kernel);

}  // namespace medlar::compiler
