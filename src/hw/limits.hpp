// SPDX-License-Identifier: Apache-2.0
// What the chip can express (spec/limits.toml), and the arithmetic of the convolution buffer and the pooling
// line buffer.
#pragma once

#include "hw/cube.hpp"
#include "hw/gen/limits.hpp"
#include "hw/weights.hpp"

#include <cstdint>

namespace medlar::hw {

/// CBUF entries of one row of a feature cube (direct convolution).
uint32_t feature_entries_per_slice(const HwConfig& config, uint32_t width, uint32_t channels,
                                   Precision precision);

/// CBUF entries of one row of an image, its horizontal padding included. `bytes_per_pixel` counts converted
/// components.
uint32_t pixel_entries_per_slice(const HwConfig& config, uint32_t width_with_padding,
                                 uint32_t bytes_per_pixel);

/// CBUF entries of one row of a Winograd input (extended width, stride 1).
uint32_t winograd_entries_per_slice(const HwConfig& config, uint32_t extended_width, uint32_t channels,
                                    Precision precision);

/// Banks that `rows` rows of `entries_per_slice` entries take.
uint32_t data_banks(const HwConfig& config, uint32_t entries_per_slice, uint32_t rows);

/// Banks that the weights of all kernels take.
uint32_t weight_banks(const HwConfig& config, const WeightShape& shape, Precision precision);

/// Banks that one kernel group takes: the least that a convolution needs.
uint32_t weight_banks_of_group(const HwConfig& config, const WeightShape& shape, Precision precision);

/// Rows that fit in `banks` data banks.
uint32_t rows_in_banks(const HwConfig& config, uint32_t entries_per_slice, uint32_t banks);

/// Extent of a kernel axis with its dilation.
constexpr uint32_t dilated(uint32_t kernel, uint32_t dilation) {
  return (kernel - 1) * dilation + 1;
}

/// Output size of a sliding window; 0 when the window does not fit.
constexpr uint32_t window_output(uint32_t input, uint32_t window, uint32_t stride, uint32_t padding) {
  const uint64_t padded = uint64_t{input} + padding;
  return padded < window ? 0 : static_cast<uint32_t>((padded - window) / stride + 1);
}

/// Widest pooling output that one pass of the line buffer holds; wider cubes are split into bands.
uint32_t pdp_max_output_width(const HwConfig& config, Precision precision, uint32_t kernel_h,
                              uint32_t stride_y);

}  // namespace medlar::hw
