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
  uint32_t groups = 1;  ///< Equal groups of input and output channels; the number of channels: depthwise.
  uint64_t image_bytes = 0;  ///< Of a pixel input as it lies in memory, instead of the input cube.
  uint32_t operands = 0;     ///< Cubes of the output's size that SDP reads beside its input.
  bool ew = false;           ///< SDP's Y stage (slower) takes part.
  bool input_in_sram = false;
  bool output_in_sram = false;
};

/// Useful multiply-accumulates; 0 of a layer that is no convolution.
uint64_t layer_macs(const LayerShape& layer);

/// The layer as one operation on all its channels; CBUF is taken to hold it.
ConvWork conv_work_of(const LayerShape& layer, const hw::HwConfig& config);

/// A convolution as the compiler cuts it: equal operations, one after the other in the two register groups.
struct ConvParts {
  ConvWork work;  ///< Of one part.
  uint64_t count =
      1;  ///< Channel windows of a grouped convolution, times the bands of rows that fit in CBUF.
  bool room_for_next = false;  ///< CBUF holds the data of two parts.
};
/// How an operation may use CBUF: all of it, split where the fewest bytes move; or a quarter for data and a
/// quarter for weights, the other half for the operation before or after (what NVIDIA's primer assumes).
enum class CbufUse : uint8_t { kWhole, kDoubleBuffered };
ConvParts conv_parts_of(const LayerShape& layer, const hw::HwConfig& config, CbufUse use = CbufUse::kWhole);

/// The layer alone on one core of the device, all its parts.
OpTime estimate(const LayerShape& layer, const hw::HwConfig& config, const Machine& machine,
                CbufUse use = CbufUse::kWhole);
OpTime estimate(const LayerShape& layer, const hw::DeviceProfile& device, const hw::PowerMode& mode);
OpTime estimate(const LayerShape& layer, const hw::DeviceProfile& device);

}  // namespace medlar::timing
