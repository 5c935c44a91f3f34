// SPDX-License-Identifier: Apache-2.0
// What SDP makes of its registers, where the hardware has a rule that no register states.
#include "chip/sdp/plan.hpp"

#include <gtest/gtest.h>

#include "chip/conv/acc_cube.hpp"

namespace medlar::chip {
namespace {

constexpr uint32_t kSurfaceStride = 0x400;

/// A convolution of a pixel of 48 INT8 channels, written as it is.
Result<SdpPlan> plan_of_a_pixel(int batches) {
  const auto config = hw::find_config("nv_full");
  AccFeed feed;
  feed.shape = {.w = 1, .h = 1, .c = 48, .lanes = 32, .batches = batches, .data = {}};
  SdpOperation operation;
  operation.conv = &feed;
  hw::SdpGroup& r = operation.sdp;
  r.channel = 47;
  r.batch_number = static_cast<uint32_t>(batches - 1);
  r.flying_mode = r.bs_bypass = r.bn_bypass = r.ew_bypass = r.dst_ram_type = 1;
  r.dst_line_stride = 0x40;
  r.dst_surface_stride = kSurfaceStride;
  r.dst_batch_stride = 0x1000;
  r.cvt_scale = 1;
  return plan_sdp(**config, operation);
}

TEST(SdpPlan, OnePixelIsPackedUnlessABatchIsWritten) {
  const auto one = plan_of_a_pixel(1);
  ASSERT_TRUE(one.has_value()) << one.error().message;
  EXPECT_EQ(one->destination.surface_stride, 32u);
  // NV_NVDLA_SDP_WDMA_cmd: cfg_mode_1x1_nbatch.
  const auto three = plan_of_a_pixel(3);
  ASSERT_TRUE(three.has_value()) << three.error().message;
  EXPECT_EQ(three->destination.surface_stride, kSurfaceStride);
}

}  // namespace
}  // namespace medlar::chip
