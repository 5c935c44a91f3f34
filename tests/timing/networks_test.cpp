// SPDX-License-Identifier: Apache-2.0
// Topologies against their published sizes, and how a layer is cut to fit.
#include "timing/networks.hpp"

#include <gtest/gtest.h>

namespace medlar::timing {
namespace {

TEST(Networks, MultiplyAccumulatesAsPublished) {
  EXPECT_NEAR(static_cast<double>(network_macs(Network::kResNet50)), 4.1e9, 0.05e9);
  EXPECT_NEAR(static_cast<double>(network_macs(Network::kMobileNetV2)), 0.30e9, 0.01e9);
  EXPECT_NEAR(static_cast<double>(network_macs(Network::kYoloV5s)), 16.5e9 / 2, 0.15e9);
  EXPECT_NEAR(static_cast<double>(network_macs(Network::kSsdResNet34)), 433e9 / 2, 5e9);
  EXPECT_NEAR(static_cast<double>(network_macs(Network::kSsdMobileNetV1)), 2.47e9 / 2, 0.03e9);
}

TEST(Networks, BatchIsATallerImage) {
  const auto one = network_layers(Network::kResNet50, hw::Precision::kInt8);
  const auto two = network_layers(Network::kResNet50, hw::Precision::kInt8, 2);
  ASSERT_EQ(one.size(), two.size());
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(2 * layer_macs(one[i]), layer_macs(two[i]));
  }
}

LayerShape conv(uint32_t c, uint32_t size, uint32_t k, uint32_t kernel) {
  LayerShape layer;
  layer.input = {size, size, c};
  layer.output = {size, size, k};
  layer.kernel_w = layer.kernel_h = kernel;
  return layer;
}

TEST(Parts, ASmallLayerIsOneOperation) {
  const hw::HwConfig& config = **hw::find_config("nv_full");
  const ConvParts parts = conv_parts_of(conv(64, 28, 64, 3), config);
  EXPECT_EQ(parts.count, 1u);
  EXPECT_EQ(parts.work.data.bytes, 50176u);
  EXPECT_EQ(parts.work.weights.bytes, 36864u);
  EXPECT_TRUE(parts.room_for_next);
}

TEST(Parts, ALargeLayerIsCutIntoBands) {
  const hw::HwConfig& config = **hw::find_config("nv_full");
  const LayerShape layer = conv(256, 112, 64, 3);  // 3.2 MB of data in 512 KiB
  const ConvParts parts = conv_parts_of(layer, config);
  EXPECT_GE(parts.count, 7u);
  EXPECT_GE(parts.count * parts.work.data.bytes, 112u * 112 * 256);
  EXPECT_EQ(parts.count * parts.work.macs / 1000, layer_macs(layer) / 1000);
  const ConvParts half = conv_parts_of(layer, config, CbufUse::kDoubleBuffered);
  EXPECT_GT(half.count, parts.count);
  EXPECT_TRUE(half.room_for_next);
}

TEST(Parts, DepthwiseRunsInChannelWindows) {
  const hw::HwConfig& config = **hw::find_config("nv_full");
  LayerShape layer = conv(256, 14, 256, 3);
  layer.groups = 256;
  const ConvParts parts = conv_parts_of(layer, config);
  EXPECT_EQ(parts.count, 4u);  // 64 channels each
  EXPECT_EQ(parts.work.kernels, 64u);
  EXPECT_EQ(layer_macs(layer), 14u * 14 * 256 * 9);
}

}  // namespace
}  // namespace medlar::timing
