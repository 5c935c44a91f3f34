// SPDX-License-Identifier: Apache-2.0
// Device profiles: names, labels and the published numbers that they must reproduce.
#include "hw/device.hpp"

#include <gtest/gtest.h>

namespace medlar::hw {
namespace {

const DeviceProfile& device(std::string_view name) {
  return **find_device(name);
}

TEST(Device, EveryConfigurationHasABitExactProfile) {
  EXPECT_EQ(devices().size(), configs().size() + 5);
  for (const HwConfig& config : configs()) {
    const DeviceProfile& d = device(config.name);
    EXPECT_EQ(&d, &device("nvdla-" + std::string(config.name)));
    EXPECT_EQ(d.label, Label::kBitExact);
    EXPECT_EQ(d.config, &config);
    EXPECT_EQ(d.macs_int8, config.macs_int8());
    EXPECT_EQ(d.sram_bytes != 0, config.sram);
    EXPECT_EQ(d.mode().dla_hz, 1'000'000'000u);
  }
  for (const DeviceProfile& d : devices()) {
    EXPECT_EQ(d.label == Label::kBitExact, d.name.starts_with("nvdla-")) << d.name;
    EXPECT_GT(d.mode().dram_bytes_per_second, 0u) << d.name;
  }
}

TEST(Device, PublishedPeaks) {
  EXPECT_EQ(&default_device(), &device("orin-nano-8gb"));
  EXPECT_NEAR(default_device().peak_ops(default_device().mode(), Precision::kInt8) / 1e12, 10.07, 0.01);
  EXPECT_NEAR(default_device().peak_ops(default_device().mode(), Precision::kFp16) / 1e12, 5.0, 0.05);
  // AGX Orin: NVIDIA states sparse TOPS of both cores: 105, 92, 90 and 40; dense is half of that, a core a
  // quarter.
  const DeviceProfile& agx = device("agx-orin-64gb");
  const auto tops = [&](const char* mode) {
    return 4 * agx.peak_ops(**agx.find_mode(mode), Precision::kInt8) / 1e12;
  };
  EXPECT_NEAR(tops("MAXN"), 105, 0.5);
  EXPECT_NEAR(tops("30W"), 90, 0.5);
  EXPECT_NEAR(tops("15W"), 40, 0.5);
  const DeviceProfile& xavier = device("agx-xavier");
  EXPECT_NEAR(2 * xavier.peak_ops(xavier.mode(), Precision::kInt8) / 1e12, 11.4, 0.1);
}

TEST(Device, UnknownNamesListTheKnownOnes) {
  const auto unknown = find_device("orin-nano");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::kNotFound);
  EXPECT_NE(unknown.error().message.find("orin-nano-8gb"), std::string::npos);
  EXPECT_NE(unknown.error().message.find("nvdla-nv_small_256_full"), std::string::npos);
  const auto mode = device("agx-xavier").find_mode("7W");
  ASSERT_FALSE(mode);
  EXPECT_NE(mode.error().message.find("MAXN"), std::string::npos);
}

}  // namespace
}  // namespace medlar::hw
