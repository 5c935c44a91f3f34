// SPDX-License-Identifier: Apache-2.0
// NVIDIA's C-model decides: every pass-through case of the convolution archives.
#include <gtest/gtest.h>

#include "chip/chip_target.hpp"
#include "conv_case.hpp"
#include "support/test_data.hpp"

namespace medlar::test {
namespace {

class ConvVectors : public testing::TestWithParam<const char*> {};

TEST_P(ConvVectors, EveryPassThroughCase) {
  MEDLAR_REFERENCE_DATA(path, std::string("vectors/") + GetParam() + ".tar.xz");
  std::vector<ConvCase> cases = load_cases(path);
  const auto targets = chip::chip_targets();
  for (const chip::ChipTarget& target : targets) {
    if (cases.front().json.at("precision") == "fp16" && target.name != targets.front().name &&
        target.name != targets.back().name) {
      continue;  // one vector kernel and the written-out one
    }
    int compared = 0;
    for (ConvCase& test : cases) {
      if (test.operations.empty()) {
        continue;
      }
      chip::ConvCore core(*test.config, target);
      EXPECT_EQ(run_case(test, core), "") << target.name << ' ' << test.name << ": " << test.json.at("description");
      compared += passes_through(test.operations.front().sdp) ? 1 : 0;
    }
    EXPECT_GT(compared, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Archives, ConvVectors,
                         testing::Values("nv_full_conv_int8", "nv_full_conv_int16", "nv_full_conv_fp16", "nv_full_nan", "nv_full_image", "nv_small_image", "nv_large_image", "nv_small_256_full_image", "nv_full_batch", "nv_full_compress", "nv_full_winograd", "nv_full_reuse", "nv_small_reuse", "nv_large_reuse",
                                         "nv_small_256_full_reuse", "nv_large_conv_int8",
                                         "nv_small_conv_int8", "nv_small_256_full_conv_int8"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
}  // namespace medlar::test
