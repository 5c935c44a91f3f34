// SPDX-License-Identifier: Apache-2.0
// NVIDIA's two trace suites, every trace whose data files are in the archives.
#include <gtest/gtest.h>

#include "chip/play/trace_player.hpp"
#include "support/test_data.hpp"

namespace medlar::chip {
namespace {

void expect_all_pass(const std::filesystem::path& archive, size_t played) {
  const auto report = play_trace(archive);
  ASSERT_TRUE(report) << report.error().to_string();
  for (const PlayReport::Item& item : report->failed) {
    ADD_FAILURE() << item.name << ": " << item.message;
  }
  EXPECT_EQ(report->passed.size(), played) << report->summary();
}

TEST(Traces, FirstGeneration) {
  MEDLAR_REFERENCE_DATA(archive, "nvdla/nvdla_hw_traces_v1.tar.xz");
  expect_all_pass(archive, 11);
}

TEST(Traces, EveryLaterConfiguration) {
  MEDLAR_REFERENCE_DATA(archive, "nvdla/nvdla_hw_traces_master.tar.xz");
  expect_all_pass(archive, 241);
}

}  // namespace
}  // namespace medlar::chip
