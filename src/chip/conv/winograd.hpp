// SPDX-License-Identifier: Apache-2.0
// Winograd convolution F(2x2, 3x3): CSC transforms 4x4 tiles of input, CMAC multiplies and transforms back.
#pragma once

#include "base/bytes.hpp"
#include "chip/conv/acc_cube.hpp"
#include "chip/conv/input/cube.hpp"
#include "chip/conv/job.hpp"
#include "chip/conv/weights/weights.hpp"

namespace medlar::chip {

/// Computes the kernels of `range` into `out`; `weights` are theirs, already transformed, in memory order: groups of
/// kernels, four channels at a time, kernels, sixteen positions, four channels.
void convolve_winograd(const ConvJob& job, const ConvCube& cube, KernelRange range, ByteView weights, AccCube& out);

}  // namespace medlar::chip
