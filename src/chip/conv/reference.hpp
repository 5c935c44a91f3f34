// SPDX-License-Identifier: Apache-2.0
// The convolution written out: one atom after the other, as CSC sends them and CACC adds them. Slow and right.
#pragma once

#include "base/bytes.hpp"
#include "chip/conv/acc_cube.hpp"
#include "chip/conv/input/window.hpp"
#include "chip/conv/job.hpp"
#include "chip/conv/weights/weights.hpp"

namespace medlar::chip {

/// An output cube of the job's size without data, with zeros, with room for `rows` rows of any content.
AccCube acc_cube_shape(const ConvJob& job);
AccCube make_acc_cube(const ConvJob& job);
void resize_acc_cube(const ConvJob& job, int rows, AccCube& cube);

/// Computes kernels [range.first, range.first + range.count) into `out`; `weights` are theirs, in memory order. The
/// window is raw.
void convolve_reference(const ConvJob& job, const ConvWindow& window, KernelRange range, ByteView weights, AccCube& out);

}  // namespace medlar::chip
