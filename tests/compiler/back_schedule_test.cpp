// SPDX-License-Identifier: Apache-2.0
// The dependency graph keeps every order that memory needs, in every interleaving that the scheduler allows.
#include <gtest/gtest.h>

#include "back_graphs.hpp"
#include "back_schedule.hpp"

namespace medlar::compiler::test {
namespace {

using hw::Precision;

HwGraph chain(Precision precision) {
  GraphMaker m(precision);
  TensorId t = m.tensor(8, 8, 16, TensorRole::kInput);
  t = m.conv_to(t, 32, {.r = 3, .s = 3, .pad = 1});
  t = m.conv_to(t, 48, {.r = 3, .s = 3, .pad = 1});
  t = m.pool_to(t, PoolMode::kMax, 2, 2, 0);
  m.conv_to(t, 10, {.r = 4, .s = 4}, TensorRole::kOutput);
  return m.graph;
}

TEST(BackSchedule, ChainMatchesNvidiasPattern) {
  const auto d = emit_and_check(chain(Precision::kInt8), config_named("nv_small"));
  ASSERT_TRUE(d);
  ASSERT_EQ(d->ops.size(), 7U);  // CONV SDP CONV SDP PDP CONV SDP
  const auto& n = d->ops;
  EXPECT_EQ(n[0].node.dependency_count, 1);  // Its SDP enabled.
  EXPECT_EQ(n[1].node.dependency_count, 1);  // Its CONV programmed.
  EXPECT_EQ(n[2].node.dependency_count, 3);  // CONV 0 programmed, SDP 1 complete, SDP 3 enabled.
  EXPECT_EQ(n[3].node.dependency_count, 2);
  EXPECT_EQ(n[4].node.dependency_count, 1);
  EXPECT_EQ(n[0].node.consumers[NVDLA_OP_TYPE_CONV].index, 2);
  EXPECT_EQ(n[0].node.consumers[NVDLA_OP_TYPE_CONV].event, NVDLA_EVENT_OP_PROGRAMMED);
  EXPECT_EQ(n[0].node.consumers[NVDLA_OP_TYPE_SDP].index, 1);
  EXPECT_EQ(n[1].node.fused_parent.index, 0);
  EXPECT_EQ(n[1].node.fused_parent.event, NVDLA_EVENT_OP_ENABLED);
  EXPECT_EQ(n[1].node.consumers[NVDLA_OP_TYPE_CONV].index, 2);
  EXPECT_EQ(n[1].node.consumers[NVDLA_OP_TYPE_CONV].event, NVDLA_EVENT_OP_COMPLETED);
  EXPECT_EQ(n[3].node.consumers[NVDLA_OP_TYPE_PDP].index, 4);
  EXPECT_EQ(n[4].node.consumers[NVDLA_OP_TYPE_CONV].index, 5);
  EXPECT_EQ(d->network.op_head[NVDLA_OP_TYPE_CONV], 0);
  EXPECT_EQ(d->network.op_head[NVDLA_OP_TYPE_SDP], 1);
  EXPECT_EQ(d->network.op_head[NVDLA_OP_TYPE_PDP], 4);
  EXPECT_EQ(d->network.op_head[NVDLA_OP_TYPE_CDP], -1);
  EXPECT_EQ(explore_all(*d, 100000).violation, "");
}

TEST(BackSchedule, OneProducerManyConsumersOfOneEngine) {
  GraphMaker m(Precision::kInt8);
  const TensorId in = m.tensor(6, 6, 8, TensorRole::kInput);
  const TensorId shared = m.conv_to(in, 16, {});
  const TensorId a = m.conv_to(shared, 16, {});
  const TensorId b = m.conv_to(shared, 16, {});
  const TensorId p = m.pool_to(shared, PoolMode::kMax, 3, 1, 1);
  const TensorId q = m.pool_to(shared, PoolMode::kAverage, 3, 1, 1);
  const TensorId ab = m.add_to(a, b);
  const TensorId pq = m.add_to(p, q);
  const TensorId sum = m.add_to(ab, pq);
  m.add_to(sum, shared, TensorRole::kOutput);
  const auto d = emit_and_check(m.graph, config_named("nv_full"));
  ASSERT_TRUE(d);
  const Exploration all = explore_all(*d, 200000);
  EXPECT_EQ(all.violation, "");
  EXPECT_GT(all.states, 20U);
}

TEST(BackSchedule, AWeakerGraphIsCaught) {
  auto d = emit_and_check(chain(Precision::kInt8), config_named("nv_small"));
  ASSERT_TRUE(d);
  hw::Consumer& edge = d->ops[1].node.consumers[NVDLA_OP_TYPE_CONV];
  edge.event = NVDLA_EVENT_OP_PROGRAMMED;
  EXPECT_NE(explore_all(*d, 100000).violation, "");
  edge.index = -1;
  EXPECT_EQ(explore_all(*d, 100000).violation, "deadlock");
}

TEST(BackSchedule, TablesDoNotDeadlock) {
  GraphMaker m(Precision::kFp16);
  m.graph.luts.resize(2);
  TensorId t = m.tensor(6, 6, 8, TensorRole::kInput);
  t = m.conv_to(t, 16, {});
  t = m.lut_to(t, 0);
  t = m.conv_to(t, 16, {});
  t = m.lut_to(t, 1);
  t = m.lut_to(t, 0);
  m.conv_to(t, 16, {}, TensorRole::kOutput);
  const auto d = emit_and_check(m.graph, config_named("nv_full"));
  ASSERT_TRUE(d);
  EXPECT_EQ(explore_all(*d, 100000).violation, "");
}

TEST(BackSchedule, RandomGraphsEveryInterleaving) {
  uint64_t states = 0;
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    const auto d = emit_and_check(random_graph(Precision::kInt8, seed, 7), config_named("nv_small"));
    ASSERT_TRUE(d);
    const Exploration all = explore_all(*d, 500000);
    ASSERT_EQ(all.violation, "");
    states += all.states;
  }
  EXPECT_GT(states, 1000U);
}

TEST(BackSchedule, LargerRandomGraphsRandomInterleavings) {
  for (uint32_t seed = 100; seed < 120; ++seed) {
    SCOPED_TRACE(seed);
    const auto d = emit_and_check(random_graph(Precision::kFp16, seed, 25), config_named("nv_full"));
    ASSERT_TRUE(d);
    ASSERT_EQ(explore_random(*d, 40).violation, "");
  }
}

}  // namespace
}  // namespace medlar::compiler::test
