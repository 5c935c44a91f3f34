// SPDX-License-Identifier: Apache-2.0
// Cuts a convolution of any size into operations that fit the CBUF: by kernels, columns and rows of the output. Pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "hw/config.hpp"

namespace medlar::compiler::back {

struct ConvShape {
  int w = 1, h = 1, c = 1;     ///< Input.
  int out_w = 1, out_h = 1, k = 1;
  int r = 1, s = 1;            ///< Kernel rows and columns.
  int stride_x = 1, stride_y = 1;
  int dilation_x = 1, dilation_y = 1;
  int pad_left = 0, pad_top = 0;  ///< Padding on the other sides follows from the output size.
  hw::Precision precision = hw::Precision::kInt8;
  int kernel_step = 1;         ///< Kernel splits fall on multiples of this.
  int output_surface = 1;      ///< Channels of one output surface.
  int pixel_components = 0;    ///< The input is an image of so many interleaved components; 0: a feature cube.
};

/// How the weights of one operation sit in the CBUF.
enum class WeightMode : uint8_t {
  kResident,   ///< All kernels of the operation.
  kPingPong,   ///< Two kernel groups: one in use, one being fetched.
  kOneGroup,   ///< One kernel group at a time.
};

/// One operation: kernels [k0, k0 + k), an output box, and the input box and pads that it needs.
struct ConvTile {
  int k0 = 0, k = 0;
  int out_x = 0, out_y = 0, out_w = 0, out_h = 0;
  int in_x = 0, in_y = 0, in_w = 0, in_h = 0;
  int pad_left = 0, pad_right = 0, pad_top = 0, pad_bottom = 0;
  int entries_per_slice = 0;
};

struct ConvPlan {
  WeightMode mode = WeightMode::kResident;
  int data_banks = 0, weight_banks = 0;
  std::vector<ConvTile> tiles;  ///< Kernel splits outermost, then columns, then rows.
  uint64_t traffic = 0;         ///< Input and weight bytes fetched.
  /// Not 0: not even one kernel group fits, so operations compute this many kernels, less than an output surface; their
  /// outputs have to be gathered into surfaces afterwards.
  int partial_kernels = 0;
};

/// The plan with the least traffic. kResourceExhausted with the numbers when one kernel and the input of a single output
/// element do not fit together; `name` begins the message.
Result<ConvPlan> plan_conv(const ConvShape& shape, const hw::HwConfig& config, std::string_view name);

}  // namespace medlar::compiler::back
