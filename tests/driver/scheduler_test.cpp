// SPDX-License-Identifier: Apache-2.0
// The scheduler on a fake chip: order of execution, register groups, tables, contexts, ways to end.
#include "driver/fake_chip.hpp"
#include "driver/task_builder.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medlar::driver::test {
namespace {

using testing::ElementsAre;

class Scheduler : public testing::Test {
 protected:
  Scheduler() : system(full_config()) { dla_context_add(&system.device, &context, MEDLAR_PRIORITY_NORMAL); }
  ~Scheduler() override { EXPECT_EQ(system.live_bytes, 0) << "leak"; }

  dla_task* create(TaskBuilder& builder, uint64_t timeout_ns = 0) {
    dla_request request = builder.request();
    request.timeout_ns = timeout_ns;
    const dla_port port = system.port();
    dla_task* task = nullptr;
    medlar_query_error reason;
    EXPECT_EQ(dla_task_create(&port, &system.config, &request, &task, &reason), 0) << reason.field;
    return task;
  }
  void submit(TaskBuilder& builder) { dla_submit(&system.device, &context, create(builder), 0); }

  FakeSystem system;
  dla_context context;
};

void add_chain(TaskBuilder& builder) {
  const int16_t conv = builder.add_conv();
  const int16_t sdp = builder.add_sdp(TaskBuilder::flying(8, 8, 32), TaskBuilder::cube(7, 8, 8, 32));
  builder.fuse(conv, sdp);
}

TEST_F(Scheduler, ChainsAlternateBetweenTheGroups) {
  TaskBuilder builder(3);
  for (int i = 0; i < 5; ++i) {
    add_chain(builder);
  }
  submit(builder);
  system.run();
  EXPECT_THAT(system.chip.executed,
              ElementsAre("CONV0+SDP0", "CONV1+SDP1", "CONV0+SDP0", "CONV1+SDP1", "CONV0+SDP0"));
  ASSERT_EQ(system.ended.size(), 1u);
  EXPECT_EQ(system.ended[0].status, 0);
  EXPECT_EQ(system.device.counters.operations, 10u);
  EXPECT_EQ(system.device.counters.spurious, 0u);
}

TEST_F(Scheduler, GroupsGoOnWhereTheLastTaskLeftThem) {
  TaskBuilder builder(3);
  add_chain(builder);
  submit(builder);
  submit(builder);
  submit(builder);
  system.run();
  EXPECT_THAT(system.chip.executed, ElementsAre("CONV0+SDP0", "CONV1+SDP1", "CONV0+SDP0"));
}

TEST_F(Scheduler, RdmaGroupsCountOnlyTheOperationsThatReadMemory) {
  TaskBuilder builder(3);
  add_chain(builder);
  builder.add_sdp();  // reads memory: RDMA group 0, SDP group 1
  add_chain(builder);
  builder.add_sdp();  // RDMA group 1, SDP group 1
  submit(builder);
  system.run();
  EXPECT_THAT(system.chip.executed, ElementsAre("CONV0+SDP0", "SDP1", "CONV1+SDP0", "SDP1"));
  EXPECT_EQ(system.chip.word(DLA_UNIT_SDP_RDMA, 1, NVDLA_SDP_RDMA_D_OP_ENABLE), 1u);
}

TEST_F(Scheduler, CompletionOrdersEnginesThatShareData) {
  TaskBuilder builder(3);
  const int16_t sdp = builder.add_sdp();
  const int16_t pdp = builder.add_pdp(TaskBuilder::cube(6, 8, 8, 32), TaskBuilder::cube(7, 4, 4, 32));
  const int16_t again = builder.add_sdp();
  builder.link(sdp, pdp, NVDLA_EVENT_OP_COMPLETED);
  builder.link(pdp, again, NVDLA_EVENT_OP_COMPLETED);
  submit(builder);
  system.run();
  EXPECT_THAT(system.chip.executed, ElementsAre("SDP0", "PDP0", "SDP1"));
}

TEST_F(Scheduler, ATableIsLoadedOnceForOperationsThatShareIt) {
  TaskBuilder builder(3);
  builder.luts.resize(2);
  for (int i = 0; i < 6; ++i) {
    const int16_t op = builder.add_sdp();
    builder.ops[op].sdp_op.lut_index = static_cast<int16_t>(i / 3);
    builder.ops[op].sdp_op.y_op.enable = 1;
    builder.ops[op].sdp_op.y_op.act = NVDLA_SDP_ACTIVATION_LUT;
  }
  submit(builder);
  system.run();
  EXPECT_EQ(system.chip.executed.size(), 6u);
  EXPECT_EQ(system.device.counters.lut_loads, 2u);
  EXPECT_EQ(system.ended[0].status, 0);
  EXPECT_EQ(system.chip.lut_writes, 2 * (1 + 65 + 1 + 257 + 2 + 4 + 4));
}

TEST_F(Scheduler, EmptyCopiesNeedNoHardware) {
  TaskBuilder builder(3);
  const int16_t bdma = builder.add(NVDLA_OP_TYPE_BDMA);
  const int16_t sdp = builder.add_sdp();
  builder.link(bdma, sdp, NVDLA_EVENT_OP_COMPLETED);
  submit(builder);
  system.run();
  EXPECT_THAT(system.chip.executed, ElementsAre("SDP0"));
  EXPECT_EQ(system.ended[0].status, 0);
}

TEST_F(Scheduler, AHangNamesTheOperationAndTheNextTaskRuns) {
  TaskBuilder builder(3);
  add_chain(builder);
  builder.add_sdp();
  submit(builder);
  system.chip.hang_after = 1;
  system.run();
  ASSERT_EQ(system.ended.size(), 1u);
  EXPECT_EQ(system.ended[0].status, -MEDLAR_ETIME);
  EXPECT_EQ(system.ended[0].reason.kind, static_cast<uint32_t>(MEDLAR_ERROR_HANG));
  EXPECT_EQ(system.ended[0].reason.op_index, 2);
  EXPECT_EQ(system.ended[0].reason.op_type, NVDLA_OP_TYPE_SDP);
  EXPECT_EQ(system.device.counters.resets, 1u);
  system.chip.hang_after = ~size_t{0};
  submit(builder);
  system.run();
  EXPECT_EQ(system.ended[1].status, 0);
}

TEST_F(Scheduler, TimeRunsOut) {
  TaskBuilder builder(3);
  for (int i = 0; i < 4; ++i) {
    builder.add_sdp();
  }
  system.step_ns = 1000;
  dla_submit(&system.device, &context, create(builder, 2500), 0);
  dla_submit(&system.device, &context, create(builder, 1'000'000), 0);
  system.run();
  EXPECT_EQ(system.ended[0].status, -MEDLAR_ETIME);
  EXPECT_EQ(system.ended[0].reason.limit, 2500);
  EXPECT_EQ(system.ended[1].status, 0);
  EXPECT_EQ(system.device.counters.timeouts, 1u);
}

TEST_F(Scheduler, SpuriousInterruptsAreCountedAndHarmless) {
  TaskBuilder builder(3);
  add_chain(builder);
  submit(builder);
  ASSERT_EQ(dla_wake(&system.device), 0);
  system.chip.status_ = 0x3f03ff;
  system.run();
  EXPECT_EQ(system.ended[0].status, 0);
  EXPECT_GT(system.device.counters.spurious, 0u);
  dla_isr(&system.device);
  dla_process(&system.device);
}

TEST_F(Scheduler, ARefusedRegisterAccessFailsTheTask) {
  TaskBuilder builder(3);
  add_chain(builder);
  submit(builder);
  dla_port& port = system.device.port;
  port.write = [](void*, uint32_t, uint32_t) { return -MEDLAR_EIO; };
  system.run();
  EXPECT_EQ(system.ended[0].reason.kind, static_cast<uint32_t>(MEDLAR_ERROR_REGISTER));
  EXPECT_EQ(system.ended[0].reason.access, 2u);
}

TEST_F(Scheduler, HigherPriorityGoesFirstButNobodyStarves) {
  dla_context high;
  dla_context low;
  dla_context_add(&system.device, &high, MEDLAR_PRIORITY_HIGH);
  dla_context_add(&system.device, &low, MEDLAR_PRIORITY_LOW);
  TaskBuilder builder(3);
  builder.add_sdp();
  for (int i = 0; i < 40; ++i) {
    for (dla_context* c : {&low, &context, &high}) {
      dla_task* task = create(builder);
      task->cookie = c;
      dla_submit(&system.device, c, task, 0);
    }
  }
  system.run();
  ASSERT_EQ(system.ended.size(), 120u);
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(system.ended[i].cookie, &high);
  }
  const auto first = [&](dla_context* c) {
    size_t i = 0;
    while (system.ended[i].cookie != c) {
      ++i;
    }
    return i;
  };
  EXPECT_LE(first(&context), 17u);
  EXPECT_LE(first(&low), 18u);
}

TEST_F(Scheduler, EqualsTakeTurns) {
  dla_context other;
  dla_context_add(&system.device, &other, MEDLAR_PRIORITY_NORMAL);
  TaskBuilder builder(3);
  builder.add_sdp();
  for (dla_context* c : {&context, &other}) {
    for (int i = 0; i < 3; ++i) {
      dla_task* task = create(builder);
      task->cookie = c;
      dla_submit(&system.device, c, task, 0);
    }
  }
  system.run();
  std::vector<void*> order;
  for (const auto& ended : system.ended) {
    order.push_back(ended.cookie);
  }
  EXPECT_THAT(order, ElementsAre(&context, &other, &context, &other, &context, &other));
}

TEST_F(Scheduler, BlockedTasksWaitAndFailedFencesFailThem) {
  dla_context other;
  dla_context_add(&system.device, &other, MEDLAR_PRIORITY_LOW);
  TaskBuilder builder(3);
  builder.add_sdp();
  dla_task* waits = create(builder);
  dla_submit(&system.device, &context, waits, 2);
  dla_submit(&system.device, &other, create(builder), 0);
  system.run();
  ASSERT_EQ(system.ended.size(), 1u) << "only the other context's";
  dla_unblock(&system.device, waits, 0);
  system.run();
  ASSERT_EQ(system.ended.size(), 1u);
  dla_unblock(&system.device, waits, -MEDLAR_EIO);
  system.run();
  ASSERT_EQ(system.ended.size(), 2u);
  EXPECT_EQ(system.ended[1].status, -MEDLAR_ECANCELED);
  EXPECT_EQ(system.ended[1].reason.kind, static_cast<uint32_t>(MEDLAR_ERROR_FENCE));
  EXPECT_EQ(system.device.counters.resets, 0u) << "it never touched the engine";
  EXPECT_EQ(system.chip.executed.size(), 1u);
}

TEST_F(Scheduler, CancellingAContextEndsItsTasksOnly) {
  dla_context other;
  dla_context_add(&system.device, &other, MEDLAR_PRIORITY_NORMAL);
  TaskBuilder builder(3);
  builder.add_sdp();
  submit(builder);
  dla_submit(&system.device, &context, create(builder), 1);
  dla_submit(&system.device, &other, create(builder), 0);
  dla_context_cancel(&system.device, &context);
  system.run();
  ASSERT_EQ(system.ended.size(), 3u);
  int cancelled = 0;
  for (const auto& ended : system.ended) {
    cancelled += ended.status == -MEDLAR_ECANCELED;
  }
  EXPECT_EQ(cancelled, 2);
  dla_context_remove(&system.device, &context);
  EXPECT_EQ(system.device.contexts, &other);
}

/// Random graphs over five engines: whatever passes the checks runs to its end.
TEST_F(Scheduler, RandomGraphsRunToTheirEnd) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    TaskBuilder builder(4);
    builder.luts.resize(3);
    std::vector<int16_t> ops;
    for (uint32_t n = random() % 30 + 1; n > 0; --n) {
      switch (random() % 4) {
        case 0: {
          add_chain(builder);
          ops.push_back(static_cast<int16_t>(builder.graph.size() - 1));
          break;
        }
        case 1:
          ops.push_back(builder.add(NVDLA_OP_TYPE_BDMA));
          break;
        case 2:
          ops.push_back(builder.add_pdp(TaskBuilder::cube(5, 8, 8, 32), TaskBuilder::cube(8, 4, 4, 32)));
          break;
        default: {
          const int16_t op = builder.add_sdp();
          builder.ops[op].sdp_op.lut_index = static_cast<int16_t>(static_cast<int>(random() % 4) - 1);
          ops.push_back(op);
        }
      }
      const int16_t last = ops.back();
      const int16_t from = ops[random() % ops.size()];
      if (from != last && builder.graph[from].consumers[builder.graph[last].op_type].index < 0 &&
          builder.graph[from].op_type != builder.graph[last].op_type) {
        builder.link(from, last, static_cast<uint8_t>(random() % 3 + 1));
      }
    }
    system.ended.clear();
    submit(builder);
    system.run();
    ASSERT_EQ(system.ended.size(), 1u);
    ASSERT_EQ(system.ended[0].status, 0) << "round " << round;
  }
}

}  // namespace
}  // namespace medlar::driver::test
