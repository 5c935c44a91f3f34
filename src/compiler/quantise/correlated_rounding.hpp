// SPDX-License-Identifier: Apache-2.0
// Rounding of kernels against the second moments of what they read: weights are rounded one after the other,
// and each takes back what the errors before it did to the output (the nearest-plane walk along the Cholesky
// factor; the order is that of GPTQ, Frantar 2022). Channels and taps count as independent of each other, so
// that the factor is a Kronecker product and a kernel costs channels^2 * taps.
#pragma once

#include "compiler/layer_graph.hpp"
#include "compiler/moments.hpp"

#include <span>
#include <vector>

namespace medlar::compiler {

struct CorrelatedKernels {
  const ConvLayer& conv;                 ///< Dense; kernels may be zero on whole channels.
  const Moments& moments;                ///< Of the source, or of the tensor that it is a window of.
  std::span<const float> channel_scale;  ///< The moments' channels are to be divided by these; empty: by 1.
  size_t first_channel = 0;              ///< Of the window.
  std::span<const double> step;          ///< Distance of two levels, by kernel.
  double limit = 0.0;                    ///< Largest magnitude, in steps.
};

/// Levels of all weights, in the order of conv.weights. Zeros stay zeros.
std::vector<float> round_correlated(const CorrelatedKernels& kernels);

}  // namespace medlar::compiler
