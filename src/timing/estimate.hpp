// SPDX-License-Identifier: Apache-2.0
// Time of a layer from its shape alone, before any register exists: for placement and what-if questions.
#pragma once

#include "hw/cube.hpp"
#include "hw/weights.hpp"
#include "timing/work.hpp"

namespace medlar::timing {

/// A layer as one hardware operation.
struct LayerShape {
  enum class Kind : uint8_t { kConv, kElementwise, kPool, kLrn, kCopy };
  Kind kind = Kind::kConv;
  hw::Precision precision = hw::Precision::kInt8;
  hw::Dims input;
  hw::Dims output;
  uint32_t kernel_w = 1;  ///< Convolution only.
  uint32_t kernel_h = 1;
  uint32_t operands = 0;  ///< Cubes of the output's size that SDP reads beside its input.
  bool ew = false;        ///< SDP's Y stage (slower) takes part.
  bool input_in_sram = false;
  bool output_in_sram = false;
};

ConvWork conv_work_of(const LayerShape& layer, const hw::HwConfig& config);

/// The layer alone on one core of the device; CBUF is taken to hold it (a split layer costs its parts).
OpTime estimate(const LayerShape& layer, const hw::HwConfig& config, const Machine& machine);
OpTime estimate(const LayerShape& layer, const hw::DeviceProfile& device, const hw::PowerMode& mode);
OpTime estimate(const LayerShape& layer, const hw::DeviceProfile& device);

}  // namespace medlar::timing
