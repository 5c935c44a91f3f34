// SPDX-License-Identifier: Apache-2.0
// Every one of ONNX's node tests, as it is and with its operands as constants: right on the DLA, right on the host with a
// reason, or refused with a text. MEDLAR_NODE_CASES=REGEX prints the matching cases one by one.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <regex>
#include <string_view>

#include "e2e/node_cases.hpp"
#include "support/test_data.hpp"

#include <fmt/format.h>

namespace medlar::test {
namespace {

constexpr std::array<const char*, 5> kTripNames = {"dla", "mixed", "host", "refused", "WRONG"};

/// Cases whose stored result the host engine does not give: random numbers, and three where ONNX Runtime 1.23 computes
/// something else than ONNX's reference. Whatever runs on the DLA is never excused.
constexpr std::array<std::string_view, 7> kHostDiffers = {
    "maxunpool_export_with_output_shape", "resize_downsample_scales_cubic_align_corners",
    "resize_downsample_scales_linear_align_corners", "training_dropout", "training_dropout_default",
    "training_dropout_default_mask", "training_dropout_mask"};

bool excused(const std::string& name, const TripResult& result) {
  return result.fingerprint.empty() && std::find(kHostDiffers.begin(), kHostDiffers.end(), name) != kHostDiffers.end();
}

using Tally = std::array<int, kTripNames.size()>;

std::string tally_text(const Tally& tally) {
  std::string text;
  for (size_t i = 0; i < tally.size(); ++i) {
    text += fmt::format("{} {}  ", kTripNames[i], tally[i]);
  }
  return text;
}

void run_all(const TripOptions& base, int least_on_dla) {
  MEDLAR_REFERENCE_DATA(archive, "models/onnx_node_tests.tar.xz");
  const auto cases = load_node_cases(archive);
  EXPECT_EQ(cases.size(), 1802u);
  const char* wish = std::getenv("MEDLAR_NODE_CASES");
  const std::regex pattern(wish == nullptr ? ".^" : wish);
  Tally tally{};
  for (const auto& [name, one] : cases) {
    if (wish != nullptr && !std::regex_search(name, pattern)) {
      continue;
    }
    TripResult result = run_node_case(name, one, base);
    if (one.inputs.size() > 1 && (result.trip == Trip::kHost || result.trip == Trip::kMixed)) {
      TripOptions constant = base;
      constant.constant_operands = true;
      const TripResult second = run_node_case(name, one, constant);
      result = second.trip == Trip::kWrong || second.trip == Trip::kDla ? second : result;
    }
    if (result.trip == Trip::kWrong && excused(name, result)) {
      result.trip = Trip::kHost;
    }
    ++tally[static_cast<size_t>(result.trip)];
    EXPECT_NE(result.trip, Trip::kWrong) << name << ": " << result.text;
    if (wish != nullptr) {
      std::printf("%-60s %-8s %.2g %s\n", name.c_str(), kTripNames[static_cast<size_t>(result.trip)], result.error, result.text.c_str());
    }
  }
  std::printf("node tests on %s: %s\n", base.device.c_str(), tally_text(tally).c_str());
  if (wish == nullptr) {
    EXPECT_GE(tally[0], least_on_dla);
  }
}

TEST(NodeTests, Fp16OnFull) { run_all({.device = "nv_full", .precision = hw::Precision::kFp16}, 236); }

TEST(NodeTests, Int8OnFull) { run_all({.device = "nv_full", .precision = hw::Precision::kInt8}, 233); }

TEST(NodeTests, Int8OnSmall) { run_all({.device = "nv_small", .precision = hw::Precision::kInt8}, 174); }

}  // namespace
}  // namespace medlar::test
