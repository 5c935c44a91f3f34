// SPDX-License-Identifier: Apache-2.0
// INT8 and INT16 convolution at speed: tiles of output pixels times blocks of kernels, exact.
#pragma once

#include "chip/conv/acc_cube.hpp"
#include "chip/conv/input/window.hpp"
#include "chip/conv/integer/dot.hpp"
#include "chip/conv/job.hpp"
#include "chip/conv/weights/pack.hpp"

namespace medlar::chip {

/// True when no order of additions can saturate CACC, so that sums may be formed in any order.
bool sums_cannot_saturate(const ConvJob& job);

/// The window form that `target` wants for the job.
WindowForm window_form(const ConvJob& job, const DotTarget& target);

struct IntegerConvolution {
  const ConvJob& job;
  const ConvWindow& window;
  const DotTarget& target;
};
/// Computes the kernels of `weights`, the first of which is `first_kernel`, into `out`.
void convolve_integers(const IntegerConvolution& conv, const PackedWeights& weights, KernelRange range, AccCube& out);

}  // namespace medlar::chip
