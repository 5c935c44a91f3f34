// SPDX-License-Identifier: Apache-2.0
// One convolution, verified: what the registers of CDMA, CSC, CMAC and CACC ask for, in real sizes.
#pragma once

#include <cstdint>

#include "chip/memory/memory_port.hpp"
#include "hw/config.hpp"

namespace medlar::chip {

enum class ConvMode : uint8_t { kDirect, kImage, kWinograd };

/// A cube or a blob in memory.
struct ConvSource {
  Ram ram = Ram::kDram;
  uint64_t address = 0;
  uint64_t bytes = 0;         ///< Blobs only.
  uint32_t line_stride = 0;   ///< Cubes only, bytes.
  uint32_t surf_stride = 0;
  uint32_t batch_stride = 0;
};

/// The converter between memory and CBUF: (x - offset or mean) * scale >> truncate.
struct ConvConverter {
  bool enable = false;
  bool mean_enable = false;
  int32_t offset = 0;
  int32_t scale = 1;
  uint32_t truncate = 0;
  int32_t mean[4] = {};  ///< RY, GU, BV, AX.
};

/// What the image reader needs beside the sizes.
struct ConvPixels {
  uint32_t format = 0;  ///< Register code of CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT.
  bool sign_override = false;
  uint32_t x_offset = 0;
  uint64_t address_1 = 0;       ///< Second plane.
  uint32_t line_stride_1 = 0;
};

/// Sizes that the machine imposes, from HwConfig.
struct ConvMachine {
  uint32_t atomic_c = 0;
  uint32_t kernels_per_group = 0;
  uint32_t channels_per_atom = 0;
  uint32_t memory_atom = 0;
  uint32_t entry_bytes = 0;
  uint32_t bank_entries = 0;
};

struct ConvJob {
  ConvMode mode = ConvMode::kDirect;
  hw::Precision in_precision = hw::Precision::kInt8;
  hw::Precision precision = hw::Precision::kInt8;
  ConvMachine machine;

  uint32_t batches = 1;
  uint32_t in_w = 0;
  uint32_t in_h = 0;     ///< Lines that CSC walks.
  uint32_t fetch_h = 0;  ///< Lines that CDMA fetches; fewer than in_h when some are still in CBUF.
  uint32_t in_c = 0;  ///< Channels, or components of a pixel.
  uint32_t entries_per_slice = 0;
  uint32_t data_banks = 0;
  uint32_t weight_banks = 0;

  uint32_t kernels = 0;
  uint32_t kernel_w = 0;  ///< In input columns, images included.
  uint32_t kernel_h = 0;
  uint32_t kernel_c = 0;  ///< Channels of one column (pixel components for images).
  uint32_t stride_x = 1;
  uint32_t stride_y = 1;
  uint32_t dilation_x = 1;
  uint32_t dilation_y = 1;
  uint32_t pad_left = 0;
  uint32_t pad_right = 0;
  uint32_t pad_top = 0;
  uint32_t pad_bottom = 0;
  int32_t pad_value = 0;  ///< A data element of the processing precision (FP16: its bits).
  int32_t side_pad_value = 0;  ///< Images (left and right) and Winograd (all sides): padding that CDMA stores.
  uint32_t y_extension = 1;  ///< Kernel rows that share one atom (images only): 1, 2 or 4.

  uint32_t out_w = 0;
  uint32_t out_h = 0;
  uint32_t clip_truncate = 0;
  uint32_t pra_truncate = 0;

  ConvSource data;
  ConvConverter converter;
  ConvPixels pixels;
  bool nan_to_zero = false;

  ConvSource weights;
  bool compressed = false;
  ConvSource mask;         ///< WMB.
  ConvSource group_sizes;  ///< WGS.

  bool reuse_data = false;
  bool reuse_weights = false;
  bool keep_data = false;     ///< SKIP_DATA_RLS.
  bool keep_weights = false;  ///< SKIP_WEIGHT_RLS.
  uint32_t released_slices = 0;

  uint32_t element_bytes() const { return hw::bytes_per_element(precision); }
  uint64_t kernel_elements() const { return uint64_t{kernel_w} * kernel_h * kernel_c; }
  uint64_t weight_elements() const { return kernel_elements() * kernels; }
};

}  // namespace medlar::chip
