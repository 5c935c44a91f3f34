// SPDX-License-Identifier: Apache-2.0
// One inference, and engines that share the DRAM.
#include "timing/inference.hpp"

#include "timing/networks.hpp"

#include <array>

#include <gtest/gtest.h>

namespace medlar::timing {
namespace {

const hw::DeviceProfile& nano() {
  return **hw::find_device("orin-nano-8gb");
}

TEST(Inference, IsTheSumOfItsLayers) {
  const auto layers = network_layers(Network::kMobileNetV2, hw::Precision::kInt8);
  const InferenceCost cost = dla_inference(nano(), nano().mode(), layers);
  double seconds = 0, joules = 0;
  for (const LayerShape& layer : layers) {
    const InferenceCost one = dla_inference(nano(), nano().mode(), {&layer, 1});
    seconds += one.busy_seconds;
    joules += one.energy.total() - nano().dla_energy.static_watts * (one.seconds - one.busy_seconds);
  }
  EXPECT_NEAR(cost.busy_seconds, seconds, 1e-12);
  // All of its operations take longer than the firmware needs for the next.
  EXPECT_NEAR(cost.seconds - cost.busy_seconds, 1e-6 * (nano().dla_submit_us + nano().dla_operation_us),
              1e-12);
  const double software = nano().dla_energy.static_watts * (cost.seconds - cost.busy_seconds);
  EXPECT_NEAR(cost.energy.total() - software, joules, 1e-12);
  EXPECT_EQ(cost.macs, static_cast<double>(network_macs(Network::kMobileNetV2)));
}

TEST(Inference, ProgrammingHidesBehindTheOperationBefore) {
  const double program = 1e-6 * nano().dla_operation_us, submit = 1e-6 * nano().dla_submit_us;
  EXPECT_DOUBLE_EQ(submission_seconds(nano(), {}), submit);
  const std::array long_ones = {1e-3, 1e-3, 1e-3};
  EXPECT_DOUBLE_EQ(submission_seconds(nano(), long_ones), submit + program);
  const std::array short_ones = {program / 4, program / 2, 1e-3};
  EXPECT_NEAR(submission_seconds(nano(), short_ones), submit + program * (1 + 0.75 + 0.5), 1e-15);
}

TEST(Inference, MoreBandwidthIsNeverSlower) {
  hw::PowerMode mode = nano().mode();
  for (const Network network : {Network::kResNet50, Network::kMobileNetV2, Network::kYoloV5s}) {
    const auto layers = network_layers(network, hw::Precision::kInt8);
    double last = 1e9;
    for (uint64_t gigabytes = 10; gigabytes <= 160; gigabytes *= 2) {
      mode.dram_bytes_per_second = gigabytes * 1'000'000'000;
      const double seconds = dla_inference(nano(), mode, layers).seconds;
      EXPECT_LE(seconds, last) << network_name(network) << ' ' << gigabytes;
      last = seconds;
    }
  }
}

TEST(Inference, TwoCoresShareTheDram) {
  const hw::DeviceProfile& agx = **hw::find_device("agx-orin-64gb");
  const auto layers = network_layers(Network::kResNet50, hw::Precision::kInt8);
  const double alone = dla_inference(agx, agx.mode(), layers, 1).seconds;
  const double together = dla_inference(agx, agx.mode(), layers, 2).seconds;
  EXPECT_GT(together, alone);
  EXPECT_LT(together, 2 * alone);
}

TEST(Contention, NobodyWaitsUntilTheDramIsFull) {
  const std::array demands = {DramDemand{10e9, 1}, DramDemand{20e9, 0.5}};
  EXPECT_EQ(contention_factors(demands, 30e9), (std::vector<double>{1, 1}));
  const auto factors = contention_factors(demands, 20e9);  // stretched by 1.5
  EXPECT_DOUBLE_EQ(factors[0], 1.5);
  EXPECT_DOUBLE_EQ(factors[1], 1.25);
}

}  // namespace
}  // namespace medlar::timing
