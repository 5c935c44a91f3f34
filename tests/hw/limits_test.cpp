// SPDX-License-Identifier: Apache-2.0
// Bank arithmetic on cases worked out by hand, and limits against the widths of the register fields.
#include "hw/limits.hpp"

#include <gtest/gtest.h>

namespace medlar::hw {
namespace {

const HwConfig& config(std::string_view name) {
  return **find_config(name);
}

TEST(Cbuf, EntriesPerSlice) {
  const HwConfig& full = config("nv_full");  // 128-byte entries, 4 atoms each
  EXPECT_EQ(feature_entries_per_slice(full, 28, 64, Precision::kInt8), 14u);  // 2 atoms: two columns an entry
  EXPECT_EQ(feature_entries_per_slice(full, 28, 128, Precision::kInt8), 28u);  // 4 atoms: one column an entry
  EXPECT_EQ(feature_entries_per_slice(full, 28, 96, Precision::kInt8), 28u);   // 3 atoms: a whole entry
  EXPECT_EQ(feature_entries_per_slice(full, 13, 32, Precision::kInt8), 4u);    // 13 atoms in entries of 4
  EXPECT_EQ(feature_entries_per_slice(full, 13, 384, Precision::kInt16),
            78u);  // 24 atoms: 6 entries a column
  EXPECT_EQ(feature_entries_per_slice(full, 19, 64, Precision::kFp16), 19u);
  const HwConfig& large = config("nv_large");  // 64-byte entries, 2 atoms each
  EXPECT_EQ(feature_entries_per_slice(large, 28, 96, Precision::kInt8), 28u + 14);
  const HwConfig& small = config("nv_small");  // 8-byte entries, 1 atom each
  EXPECT_EQ(feature_entries_per_slice(small, 28, 9, Precision::kInt8), 56u);
  EXPECT_EQ(pixel_entries_per_slice(full, 224 + 6, 4), 8u);  // 920 bytes
  EXPECT_EQ(winograd_entries_per_slice(full, 32, 64, Precision::kInt8), 16u);
}

TEST(Cbuf, Banks) {
  const HwConfig& full = config("nv_full");
  EXPECT_EQ(data_banks(full, 14, 28), 2u);                               // 392 entries of 256
  EXPECT_EQ(data_banks(full, 28, 56), 7u);                               // 1568 entries
  EXPECT_EQ(weight_banks(full, {64, 64, 3, 3}, Precision::kInt8), 2u);   // 36864 bytes of 32768
  EXPECT_EQ(weight_banks(full, {64, 64, 3, 3}, Precision::kInt16), 3u);  // 73728 bytes
  EXPECT_EQ(weight_banks_of_group(full, {64, 64, 3, 3}, Precision::kInt8), 1u);
  EXPECT_EQ(weight_banks_of_group(full, {512, 512, 3, 3}, Precision::kInt8), 5u);     // 147456 bytes
  EXPECT_EQ(weight_banks(config("nv_small"), {32, 64, 3, 3}, Precision::kInt8), 5u);  // 18432 bytes of 4096
  EXPECT_EQ(rows_in_banks(full, 14, 2), 36u);
  EXPECT_EQ(rows_in_banks(full, 0, 2), 0u);
}

TEST(Pdp, WidestOutput) {
  EXPECT_EQ(pdp_max_output_width(config("nv_full"), Precision::kInt8, 2, 2), 128u);
  EXPECT_EQ(pdp_max_output_width(config("nv_full"), Precision::kInt8, 3, 2), 64u);
  EXPECT_EQ(pdp_max_output_width(config("nv_full"), Precision::kFp16, 3, 1), 32u);
  EXPECT_EQ(pdp_max_output_width(config("nv_small"), Precision::kInt8, 8, 1), 64u);
}

TEST(Windows, Outputs) {
  EXPECT_EQ(dilated(3, 2), 5u);
  EXPECT_EQ(window_output(224, 7, 2, 6), 112u);
  EXPECT_EQ(window_output(3, 5, 1, 1), 0u);
}

/// Largest value that a field of the newest map holds, plus `bias` for fields that store the value minus one.
uint64_t field_max(std::string_view register_name, std::string_view field_name, uint64_t bias) {
  const auto reference = find_register(register_name, RegisterMap::kV2);
  for (const FieldInfo& f : reference->info->fields) {
    if (f.name == field_name) {
      return (f.mask() >> f.lsb) + bias;
    }
  }
  return 0;
}

TEST(Limits, AreWhatTheFieldsHold) {
  EXPECT_EQ(kLimits.cube.dimension.max, field_max("CDMA.D_DATAIN_SIZE_0", "DATAIN_WIDTH", 1));
  EXPECT_EQ(kLimits.conv.kernel.max, field_max("CSC.D_WEIGHT_SIZE_EXT_0", "WEIGHT_WIDTH_EXT", 1));
  EXPECT_EQ(kLimits.conv.stride.max, field_max("CSC.D_CONV_STRIDE_EXT", "CONV_X_STRIDE_EXT", 1));
  EXPECT_EQ(kLimits.conv.dilation.max, field_max("CSC.D_DILATION_EXT", "Y_DILATION_EXT", 1));
  EXPECT_EQ(kLimits.conv.pad_left.max, field_max("CDMA.D_ZERO_PADDING", "PAD_LEFT", 0));
  EXPECT_EQ(kLimits.conv.pad_right.max, field_max("CDMA.D_ZERO_PADDING", "PAD_RIGHT", 0));
  EXPECT_EQ(kLimits.conv.pad_top.max, field_max("CDMA.D_ZERO_PADDING", "PAD_TOP", 0));
  EXPECT_EQ(kLimits.conv.pad_bottom.max, field_max("CDMA.D_ZERO_PADDING", "PAD_BOTTOM", 0));
  EXPECT_EQ(kLimits.conv.kernels.max, field_max("CDMA.D_WEIGHT_SIZE_1", "WEIGHT_KERNEL", 1));
  EXPECT_EQ(kLimits.conv.bytes_per_kernel.max, field_max("CDMA.D_WEIGHT_SIZE_0", "BYTE_PER_KERNEL", 1));
  EXPECT_EQ(kLimits.conv.batch.max, field_max("CSC.D_BATCH_NUMBER", "BATCHES", 1));
  EXPECT_EQ(kLimits.pdp.pad.max, field_max("PDP.D_POOLING_PADDING_CFG", "PAD_LEFT", 0));
  EXPECT_EQ(kLimits.pdp.partial_width.max, field_max("PDP.D_PARTIAL_WIDTH_IN", "PARTIAL_WIDTH_IN_MID", 1));
  EXPECT_EQ(kLimits.sdp.bs_truncate.max, field_max("SDP.D_DP_BS_MUL_CFG", "BS_MUL_SHIFT_VALUE", 0));
  EXPECT_EQ(kLimits.rubik.deconv_stride.max, field_max("RBK.D_DECONV_STRIDE", "DECONV_X_STRIDE", 1));
  EXPECT_EQ(kLimits.bdma.line_bytes.max, 32 * field_max("BDMA.CFG_LINE", "SIZE", 1));
  EXPECT_TRUE(kLimits.conv.kernel.contains(32) && !kLimits.conv.kernel.contains(33) &&
              !kLimits.conv.kernel.contains(0));
}

}  // namespace
}  // namespace medlar::hw
