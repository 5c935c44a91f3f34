// SPDX-License-Identifier: Apache-2.0
// A network of ResNet-50's size: everything fits, memory is shared nearly as well as possible, order is kept.
#include <gtest/gtest.h>

#include "back_graphs.hpp"
#include "back_schedule.hpp"

namespace medlar::compiler::test {
namespace {

TEST(BackResnet, Int8OnNvSmall) {
  const HwGraph graph = resnet50(hw::Precision::kInt8);
  const auto segment = emit_segment(graph, config_named("nv_small"));
  ASSERT_TRUE(segment) << segment.error().to_string();
  check_segment(graph, *segment, config_named("nv_small"));
  uint64_t macs = 0;
  for (const HwOpInfo& op : segment->ops) {
    macs += op.macs;
  }
  EXPECT_EQ(macs, 4089184256U);
  EXPECT_LE(segment->memory.intermediate * 100, segment->memory.intermediate_bound * 110);
  EXPECT_LT(segment->memory.intermediate * 4, segment->memory.intermediate_unshared);
  const auto d = decode(*segment, config_named("nv_small"));
  ASSERT_TRUE(d);
  EXPECT_EQ(explore_random(*d, 2).violation, "");
  RecordProperty("operations", static_cast<int>(segment->ops.size()));
}

}  // namespace
}  // namespace medlar::compiler::test
