// SPDX-License-Identifier: Apache-2.0
// Integer convolutions: weights with one scale a kernel, and the X1 program that joins the kernels to one scale.
//
// Kernel k accumulates with real = P[k] * acc, P[k] = S_in * Sw[k] * 2^truncate. X1 multiplies by m[k] and shifts right
// by t, common to all kernels, to reach the stream's scale s1. m[k] is chosen first, as the smallest integer with
// m[k] * s1 / 2^t >= S_in * max|w[k]| / 127; then P[k] = m[k] * s1 / 2^t exactly, and the weights are rounded in that
// scale. So the multiplier's 16 bits cost no accuracy at all, only the weights' rounding does.
#pragma once

#include "compiler/quantise/sdp_int8.hpp"

namespace medlar::compiler {

/// The layer's body must be an ungrouped ConvLayer whose steps `program.plan` has placed.
Result<ConvOp> conv_int8(const Int8Program& program);

/// Bound on |real| in the stream of a convolution or memory layer.
double stream_reach(const Layer& layer, const Scales& scales);
/// Int8Program::entry.
double stream_entry(const Layer& layer, const StagePlan& plan, const Scales& scales);

}  // namespace medlar::compiler
