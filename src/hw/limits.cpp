// SPDX-License-Identifier: Apache-2.0
// Arithmetic of the convolution buffer, as NVIDIA's compiler computes it.
#include "hw/limits.hpp"

#include <algorithm>
#include <iterator>

namespace medlar::hw {

uint32_t feature_entries_per_slice(const HwConfig& config, uint32_t width, uint32_t channels,
                                   Precision precision) {
  const uint32_t atoms = ceil_div(channels * bytes_per_element(precision), config.memory_atom);
  const uint32_t per_entry = std::max(1u, config.cbuf_entry_bytes / config.memory_atom);
  const uint32_t rest = atoms % per_entry;
  // Three left-over atoms of four take a whole entry a column; fewer share entries between columns.
  return atoms / per_entry * width + (rest == 3 ? width : ceil_div(rest * width, per_entry));
}

uint32_t pixel_entries_per_slice(const HwConfig& config, uint32_t width_with_padding,
                                 uint32_t bytes_per_pixel) {
  return ceil_div(width_with_padding * bytes_per_pixel, config.cbuf_entry_bytes);
}

uint32_t winograd_entries_per_slice(const HwConfig& config, uint32_t extended_width, uint32_t channels,
                                    Precision precision) {
  return extended_width / 4 * ceil_div(channels * bytes_per_element(precision), config.memory_atom);
}

uint32_t data_banks(const HwConfig& config, uint32_t entries_per_slice, uint32_t rows) {
  return static_cast<uint32_t>(
      ceil_div(uint64_t{entries_per_slice} * rows, uint64_t{config.cbuf_bank_entries}));
}

uint32_t weight_banks(const HwConfig& config, const WeightShape& shape, Precision precision) {
  const uint64_t bytes = weight_blob_bytes(shape.elements(), precision, config);
  return static_cast<uint32_t>(ceil_div(bytes, uint64_t{config.cbuf_bank_bytes()}));
}

uint32_t weight_banks_of_group(const HwConfig& config, const WeightShape& shape, Precision precision) {
  WeightShape group = shape;
  group.k = config.kernels_per_group(precision);
  return weight_banks(config, group, precision);
}

uint32_t rows_in_banks(const HwConfig& config, uint32_t entries_per_slice, uint32_t banks) {
  return entries_per_slice == 0 ? 0 : banks * config.cbuf_bank_entries / entries_per_slice;
}

uint32_t pdp_max_output_width(const HwConfig& config, Precision precision, uint32_t kernel_h,
                              uint32_t stride_y) {
  // Lines of output that are open at the same time, by kernel height over stride.
  constexpr uint32_t kOpenLines[] = {1, 1, 2, 4, 4, 8, 8, 8, 8};
  const uint32_t overlap = std::min<uint32_t>(ceil_div(kernel_h, stride_y), std::size(kOpenLines) - 1);
  const uint32_t bits = kLimits.pdp.element_bits_int8 * bytes_per_element(precision);
  return kLimits.pdp.line_buffer_bits / (kOpenLines[overlap] * config.kernels_per_group(precision) * bits);
}

}  // namespace medlar::hw
