// SPDX-License-Identifier: Apache-2.0
// NVIDIA's C-model against the chip, byte for byte: padding lanes, gaps and counters included.
#include <gtest/gtest.h>

#include "chip/chip_target.hpp"
#include "chip/play/vector_player.hpp"
#include "support/test_data.hpp"

namespace medlar::chip {
namespace {

class Vectors : public testing::TestWithParam<const char*> {};

TEST_P(Vectors, MatchTheReferenceModel) {
  MEDLAR_REFERENCE_DATA(archive, std::string("vectors/") + GetParam() + ".tar.xz");
  const auto report = play_vectors(archive);
  ASSERT_TRUE(report) << report.error().to_string();
  for (const PlayReport::Item& item : report->failed) {
    ADD_FAILURE() << item.name << ": " << item.message;
  }
  EXPECT_FALSE(report->passed.empty());
}

class CopiedVectors : public testing::TestWithParam<const char*> {};

/// The same through a memory that shows nothing in place.
TEST_P(CopiedVectors, MatchTheReferenceModel) {
  MEDLAR_REFERENCE_DATA(archive, std::string("vectors/") + GetParam() + ".tar.xz");
  const auto report = play_vectors(archive, {.in_place = false, .only = {}, .isa = {}});
  ASSERT_TRUE(report) << report.error().to_string();
  for (const PlayReport::Item& item : report->failed) {
    ADD_FAILURE() << item.name << ": " << item.message;
  }
}

class EveryTargetVectors : public testing::TestWithParam<const char*> {};

/// Every vector unit that this machine has, and the slow model.
TEST_P(EveryTargetVectors, MatchTheReferenceModel) {
  MEDLAR_REFERENCE_DATA(archive, std::string("vectors/") + GetParam() + ".tar.xz");
  for (const ChipTarget& target : chip_targets()) {
    const auto report = play_vectors(archive, {.only = {}, .isa = std::string(target.name)});
    ASSERT_TRUE(report) << report.error().to_string();
    for (const PlayReport::Item& item : report->failed) {
      ADD_FAILURE() << target.name << ": " << item.name << ": " << item.message;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Units, EveryTargetVectors,
                         testing::Values("nv_full_batch", "nv_full_image", "nv_full_reuse", "nv_full_rubik", "nv_full_sdp_int8",
                                         "nv_full_sdp_int16", "nv_full_sdp_fp16", "nv_full_sdp_pdp", "nv_full_cdp", "nv_full_pdp",
                                         "nv_full_winograd", "nv_small_conv_int8", "nv_small_sdp", "nv_large_sdp"),
                         [](const auto& archive) { return std::string(archive.param); });

class TracedVectors : public testing::TestWithParam<const char*> {};

struct CountingTracer final : Tracer {
  void wrote(uint32_t, uint32_t, bool) override { ++registers; }
  void read(uint32_t, uint32_t) override { ++registers; }
  void fetched(Ram, uint64_t, ByteView bytes) override { bytes_in += bytes.size(); }
  void opened(Ram, uint64_t, ByteView bytes) override { bytes_out += bytes.size(); }
  void stored(Ram, uint64_t, ByteView bytes) override { bytes_out += bytes.size(); }
  void executed() override { ++operations; }
  uint64_t registers = 0, bytes_in = 0, bytes_out = 0, operations = 0;
};

/// The chip compiled with the tracer gives the same bytes as without.
TEST_P(TracedVectors, MatchTheReferenceModel) {
  MEDLAR_REFERENCE_DATA(archive, std::string("vectors/") + GetParam() + ".tar.xz");
  for (const bool in_place : {true, false}) {
    CountingTracer tracer;
    const auto report = play_vectors(archive, {.in_place = in_place, .only = {}, .isa = {}, .tracer = &tracer});
    ASSERT_TRUE(report) << report.error().to_string();
    for (const PlayReport::Item& item : report->failed) {
      ADD_FAILURE() << item.name << ": " << item.message;
    }
    EXPECT_GE(tracer.operations, report->passed.size());
    EXPECT_GT(tracer.registers, 20 * tracer.operations);
    EXPECT_GT(tracer.bytes_in, 0u);
    EXPECT_GT(tracer.bytes_out, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Units, TracedVectors,
                         testing::Values("nv_full_bdma", "nv_full_cdp", "nv_full_compress", "nv_full_image", "nv_full_pdp",
                                         "nv_full_pingpong", "nv_full_reuse", "nv_full_rubik", "nv_full_sdp_int8",
                                         "nv_full_sdp_pdp", "nv_full_winograd", "nv_small_conv_int8", "nv_large_pingpong"),
                         [](const auto& archive) { return std::string(archive.param); });

INSTANTIATE_TEST_SUITE_P(Units, CopiedVectors,
                         testing::Values("nv_full_batch", "nv_full_cdp", "nv_full_pdp", "nv_full_rubik", "nv_full_sdp_fp16",
                                         "nv_full_sdp_int16", "nv_full_sdp_int8", "nv_full_sdp_pdp", "nv_small_sdp",
                                         "nv_small_conv_int8"),
                         [](const auto& archive) { return std::string(archive.param); });

constexpr const char* kArchives[] = {
    "nv_full_batch", "nv_full_bdma", "nv_full_cdp", "nv_full_compress", "nv_full_conv_fp16", "nv_full_conv_int16",
    "nv_full_conv_int8", "nv_full_conv_sdp", "nv_full_highaddr", "nv_full_image", "nv_full_medium", "nv_full_nan",
    "nv_full_pdp", "nv_full_pingpong", "nv_full_reuse", "nv_full_rubik", "nv_full_sdp_fp16", "nv_full_sdp_int16",
    "nv_full_sdp_int8", "nv_full_sdp_pdp", "nv_full_winograd",
    "nv_large_cdp", "nv_large_conv_int8", "nv_large_highaddr", "nv_large_image", "nv_large_medium", "nv_large_pdp",
    "nv_large_pingpong", "nv_large_reuse", "nv_large_sdp", "nv_large_sdp_pdp",
    "nv_small_256_full_cdp", "nv_small_256_full_conv_int8", "nv_small_256_full_image", "nv_small_256_full_medium",
    "nv_small_256_full_pdp", "nv_small_256_full_pingpong", "nv_small_256_full_reuse", "nv_small_256_full_sdp",
    "nv_small_256_full_sdp_pdp",
    "nv_small_cdp", "nv_small_conv_int8", "nv_small_image", "nv_small_medium", "nv_small_pdp", "nv_small_pingpong",
    "nv_small_reuse", "nv_small_sdp", "nv_small_sdp_pdp"};

INSTANTIATE_TEST_SUITE_P(Archives, Vectors, testing::ValuesIn(kArchives),
                         [](const auto& archive) { return std::string(archive.param); });

}  // namespace
}  // namespace medlar::chip
