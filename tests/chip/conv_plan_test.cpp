// SPDX-License-Identifier: Apache-2.0
// What the convolution core accepts and what it refuses, and that nothing crashes it.
#include <random>

#include <gtest/gtest.h>

#include "chip/conv_plan.hpp"
#include "conv_case.hpp"
#include "support/test_data.hpp"

namespace medlar::test {
namespace {

std::string config_of(const std::string& path) {
  const size_t start = path.find("trace_tests/") + 12;
  return path.substr(start, path.find('/', start) - start);
}

TEST(ConvPlan, AcceptsEveryConvolutionOfTheOfficialTraces) {
  MEDLAR_REFERENCE_DATA(path, "nvdla/nvdla_hw_traces_master.tar.xz");
  int planned = 0;
  for (const auto& [name, bytes] : read_archive(path)) {
    if (!name.ends_with(".cfg")) {
      continue;
    }
    const hw::HwConfig& config = *hw::find_config(config_of(name)).value();
    for (const ConvOperation& op : trace_operations(std::string(bytes.begin(), bytes.end()), config.register_map)) {
      const auto job = chip::plan_convolution(config, op.conv);
      EXPECT_TRUE(job) << name << ": " << job.error().message;
      ++planned;
    }
  }
  EXPECT_GE(planned, 20);
}

TEST(ConvPlan, AcceptsEveryConvolutionOfTheFirstTraces) {
  MEDLAR_REFERENCE_DATA(path, "nvdla/nvdla_hw_traces_v1.tar.xz");
  const hw::HwConfig& config = *hw::find_config("nv_full").value();
  int planned = 0;
  for (const auto& [name, bytes] : read_archive(path)) {
    if (!name.ends_with("input.txn")) {
      continue;
    }
    for (const ConvOperation& op : trace_operations(std::string(bytes.begin(), bytes.end()), config.register_map)) {
      const auto job = chip::plan_convolution(config, op.conv);
      EXPECT_TRUE(job) << name << ": " << job.error().message;
      ++planned;
    }
  }
  EXPECT_GE(planned, 3);
}

}  // namespace
}  // namespace medlar::test
