// SPDX-License-Identifier: Apache-2.0
// Inputs with few channels as interleaved images: the array then takes a kernel's columns together instead of one channel
// after the other (NVDLA image input mode, channel pre-extension).
#pragma once

#include "compiler/back/conv_tiling.hpp"
#include "compiler/back/machine.hpp"

namespace medlar::compiler::back {

/// The convolution as the tiler sees it; `components` of an image, 0 for a feature cube.
ConvShape conv_shape(const hw::HwConfig& config, const ConvOp& conv, const Cube& src, const Cube& dst);

/// Interleaved components of a tensor's image (1 or 4), or 0 where it has to be a feature cube: it is no input, has other
/// numbers of channels than 1, 3 and 4, or something else than undilated convolutions reads it.
int image_components(const Program& program, TensorId tensor);

/// CDMA's pixel format code.
uint8_t pixel_format(int components, hw::Precision precision);

}  // namespace medlar::compiler::back
