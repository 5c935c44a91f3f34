// SPDX-License-Identifier: Apache-2.0
// Hostile descriptors: each is refused with the field, its value and the limit, before any register is
// touched.
#include "driver/fake_chip.hpp"
#include "driver/task_builder.hpp"

#include <functional>
#include <random>

#include <gtest/gtest.h>

namespace medlar::driver::test {
namespace {

struct Outcome {
  int error = 0;
  medlar_query_error reason{};
  std::string field() const { return reason.field; }
};

Outcome submit(FakeSystem& system, TaskBuilder& builder,
               const std::function<void(dla_request&)>& change = {}) {
  dla_request request = builder.request();
  if (change) {
    change(request);
  }
  const dla_port port = system.port();
  dla_task* task = nullptr;
  Outcome outcome;
  outcome.error = dla_task_create(&port, &system.config, &request, &task, &outcome.reason);
  if (task != nullptr) {
    EXPECT_EQ(outcome.error, 0);
    dla_task_destroy(&port, task);
  } else {
    EXPECT_LT(outcome.error, 0);
    EXPECT_EQ(outcome.error, outcome.reason.error);
  }
  EXPECT_EQ(system.live_bytes, 0) << "leak";
  return outcome;
}

/// A correct CONV+SDP+PDP chain and an SDP from memory.
TaskBuilder sound() {
  TaskBuilder builder(3);
  const int16_t conv = builder.add_conv();
  const int16_t sdp = builder.add_sdp(TaskBuilder::flying(8, 8, 32), TaskBuilder::flying(8, 8, 32));
  const int16_t pdp = builder.add_pdp(TaskBuilder::flying(8, 8, 32), TaskBuilder::cube(7, 4, 4, 32));
  builder.fuse(conv, sdp);
  builder.fuse(sdp, pdp);
  builder.add_sdp();
  return builder;
}

struct Case {
  const char* name;
  std::function<void(TaskBuilder&)> damage;
  const char* field;
  int64_t value;
  int64_t limit;
  int op;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Hostile : public testing::TestWithParam<Case> {};

TEST_P(Hostile, IsRefusedWithAReason) {
  FakeSystem system(full_config());
  TaskBuilder builder = sound();
  ASSERT_EQ(submit(system, builder).error, 0);
  GetParam().damage(builder);
  const Outcome outcome = submit(system, builder);
  EXPECT_LT(outcome.error, 0);
  EXPECT_EQ(outcome.field(), GetParam().field);
  EXPECT_EQ(outcome.reason.value, GetParam().value);
  EXPECT_EQ(outcome.reason.limit, GetParam().limit);
  EXPECT_EQ(outcome.reason.op_index, GetParam().op);
  EXPECT_EQ(outcome.reason.kind, static_cast<uint32_t>(MEDLAR_ERROR_DESCRIPTOR));
  EXPECT_EQ(system.device.counters.writes, 0u);
}

#define SDP(b) (b).ops[3].sdp_op
#define SDP_SURFACE(b) (b).surfaces[3].sdp_surface
#define CONV(b) (b).ops[0].conv_op
#define CONV_SURFACE(b) (b).surfaces[0].conv_surface
#define PDP(b) (b).ops[2].pdp_op

INSTANTIATE_TEST_SUITE_P(
    Descriptors, Hostile,
    testing::Values(
        Case{"head", [](TaskBuilder& b) { b.network.op_head[1] = 40; }, "op_head", 40, 3, -1},
        Case{"head_of_other", [](TaskBuilder& b) { b.network.op_head[1] = 1; }, "op_head", 1, 2, 1},
        Case{"head_missing", [](TaskBuilder& b) { b.network.op_head[3] = -1; }, "op_head", -1, 2, 2},
        Case{"graph_index", [](TaskBuilder& b) { b.network.dependency_graph_index = 8; }, "dependency_graph",
             8, 7, -1},
        Case{"surface_index", [](TaskBuilder& b) { b.network.surface_desc_index = -1; }, "surfaces", -1, 7,
             0},
        Case{"roi", [](TaskBuilder& b) { b.network.num_rois = 2; }, "num_rois", 2, 1, -1},
        Case{"dynamic_roi", [](TaskBuilder& b) { b.network.dynamic_roi = 1; }, "dynamic_roi", 1, 0, -1},
        Case{"type", [](TaskBuilder& b) { b.graph[2].op_type = 6; }, "op_type", 6, 5, 2},
        Case{"consumer", [](TaskBuilder& b) { b.graph[1].consumers[3].index = 4; }, "consumer.index", 4, 3,
             1},
        Case{"consumer_slot", [](TaskBuilder& b) { b.graph[1].consumers[4].index = 0; }, "consumer.type", 1,
             4, 1},
        Case{"consumer_event", [](TaskBuilder& b) { b.graph[0].consumers[2].event = 6; }, "consumer.event", 6,
             5, 0},
        Case{"sdp_has_no_weights", [](TaskBuilder& b) { b.graph[1].consumers[3].event = 4; },
             "consumer.event", 4, 3, 1},
        Case{"count", [](TaskBuilder& b) { b.graph[1].dependency_count = 3; }, "dependency_count", 3, 2, 1},
        Case{"parent", [](TaskBuilder& b) { b.graph[2].fused_parent.index = 3; }, "dependency_count", 2, 1,
             1},
        Case{"queue_loop", [](TaskBuilder& b) { b.link(3, 1, NVDLA_EVENT_OP_COMPLETED); }, "queue", 1, -1, 1},
        Case{"address", [](TaskBuilder& b) { SDP_SURFACE(b).src_data.address = 8; }, "src.address", 8, 7, 3},
        Case{"negative_address", [](TaskBuilder& b) { SDP_SURFACE(b).dst_data.address = -1; }, "dst.address",
             -1, 7, 3},
        Case{"memory", [](TaskBuilder& b) { SDP_SURFACE(b).src_data.type = 1; }, "src.type", 1, 0, 3},
        Case{"memory_type", [](TaskBuilder& b) { SDP_SURFACE(b).src_data.type = 3; }, "src.type", 3, 1, 3},
        Case{"width", [](TaskBuilder& b) { SDP_SURFACE(b).src_data.width = 8193; }, "src.width", 8193, 8192,
             3},
        Case{"height", [](TaskBuilder& b) { SDP_SURFACE(b).src_data.height = 0; }, "src.height", 0, 8192, 3},
        Case{"line_stride", [](TaskBuilder& b) { SDP_SURFACE(b).src_data.line_stride = 224; },
             "src.line_stride", 224, 256, 3},
        Case{"unaligned", [](TaskBuilder& b) { SDP_SURFACE(b).dst_data.offset = 8; }, "dst.alignment",
             0x10020008, 32, 3},
        Case{"extent", [](TaskBuilder& b) { SDP_SURFACE(b).src_data.offset = (1 << 16) - 2048 + 32; },
             "src.end", (1 << 16) + 32, 1 << 16, 3},
        Case{"offset", [](TaskBuilder& b) { SDP_SURFACE(b).src_data.offset = 0xffffffe0; }, "src.end",
             0xffffffe0ll + 2048, 1 << 16, 3},
        Case{"precision", [](TaskBuilder& b) { SDP(b).src_precision = 3; }, "src_precision", 3, 2, 3},
        Case{"lut", [](TaskBuilder& b) { SDP(b).lut_index = 0; }, "lut_index", 0, -1, 3},
        Case{"batch", [](TaskBuilder& b) { SDP(b).batch_num = 33; }, "batch_num", 33, 32, 3},
        Case{"eql",
             [](TaskBuilder& b) {
               SDP(b).x1_op.enable = 1;
               SDP(b).x1_op.alu_type = 3;
             },
             "x1.alu_type", 3, 2, 3},
        Case{"operand",
             [](TaskBuilder& b) {
               SDP(b).x1_op.enable = 1;
               SDP(b).x1_op.type = 2;
               SDP(b).x1_op.alu_operand = 40000;
             },
             "operand", 40000, 32767, 3},
        Case{"operand_cube",
             [](TaskBuilder& b) {
               SDP(b).y_op.enable = 1;
               SDP(b).y_op.type = 1;
               SDP(b).y_op.mode = 2;
               SDP_SURFACE(b).y_data.address = 9;
             },
             "y.address", 9, 7, 3},
        Case{"shift", [](TaskBuilder& b) { SDP(b).out_cvt.truncate = 64; }, "SDP.D_CVT_SHIFT", 64, 63, 3},
        Case{"bank", [](TaskBuilder& b) { CONV(b).data_bank = 16; }, "data_bank+weight_bank", 17, 16, 0},
        Case{"kernel", [](TaskBuilder& b) { CONV(b).kernel_width_csc = 33; }, "kernel_width_csc", 33, 32, 0},
        Case{"stride", [](TaskBuilder& b) { CONV(b).conv_stride_y = 0; }, "conv_stride_y", 0, 1, 0},
        Case{"pad", [](TaskBuilder& b) { CONV(b).pad_x_left = 32; }, "CSC.D_ZERO_PADDING", 32, 31, 0},
        Case{"format", [](TaskBuilder& b) { CONV(b).data_format = 37; }, "data_format", 37, 36, 0},
        Case{"weights_small", [](TaskBuilder& b) { CONV_SURFACE(b).weight_data.size = 9 * 32 * 31; },
             "weight.size", 9 * 32 * 31, 9 * 32 * 32, 0},
        Case{"weights_end", [](TaskBuilder& b) { CONV_SURFACE(b).weight_data.size = 1 << 17; }, "weight.end",
             1 << 17, 1 << 16, 0},
        Case{"weights_unaligned", [](TaskBuilder& b) { CONV_SURFACE(b).weight_data.size += 32; },
             "CSC.D_WEIGHT_BYTES", 9 * 32 * 32 + 32, 0xffffff80, 0},
        Case{"out_scale", [](TaskBuilder& b) { CONV(b).out_cvt.scale = 2; }, "out_cvt.scale", 2, 1, 0},
        Case{"conv_to_memory", [](TaskBuilder& b) { CONV_SURFACE(b).dst_data.type = 0; }, "dst.type", 0, 2,
             0},
        Case{"lonely_conv",
             [](TaskBuilder& b) { b.surfaces[1].sdp_surface.src_data = TaskBuilder::cube(5, 8, 8, 32); },
             "dst.type", 2, 0, 0},
        Case{"pool", [](TaskBuilder& b) { PDP(b).pool_width = 8; }, "pool_width", 8, 7, 2},
        Case{"pool_pad", [](TaskBuilder& b) { PDP(b).pad_left = 2; }, "pad_left", 2, 1, 2},
        Case{"pool_out", [](TaskBuilder& b) { b.surfaces[2].pdp_surface.dst_data.width = 5; }, "dst.width",
             10, 8, 2},
        Case{"split_on_the_fly", [](TaskBuilder& b) { PDP(b).split_num = 2; }, "split_num", 2, 1, 2}),
    [](const auto& test) { return test.param.name; });

TEST(Validation, CyclesAreFoundThroughEventsAndRegisterGroups) {
  FakeSystem system(full_config());
  TaskBuilder two(3);
  const int16_t sdp = two.add_sdp();
  const int16_t pdp = two.add_pdp(TaskBuilder::cube(5, 8, 8, 32), TaskBuilder::cube(7, 4, 4, 32));
  two.link(sdp, pdp, NVDLA_EVENT_OP_COMPLETED);
  EXPECT_EQ(submit(system, two).error, 0);
  two.link(pdp, sdp, NVDLA_EVENT_OP_COMPLETED);
  EXPECT_EQ(submit(system, two).field(), "dependency cycle");

  // The third operation of an engine is programmed when the first has completed: two groups.
  TaskBuilder groups(3);
  const int16_t first = groups.add_sdp();
  groups.add_sdp();
  const int16_t third = groups.add_sdp();
  const int16_t pool = groups.add_pdp(TaskBuilder::cube(5, 8, 8, 32), TaskBuilder::cube(7, 4, 4, 32));
  groups.link(third, pool, NVDLA_EVENT_OP_PROGRAMMED);
  EXPECT_EQ(submit(system, groups).error, 0);
  groups.link(pool, first, NVDLA_EVENT_OP_ENABLED);
  EXPECT_EQ(submit(system, groups).field(), "dependency cycle");
}

TEST(Validation, PairsMustMeetInTheOrderOfBothQueues) {
  FakeSystem system(full_config());
  TaskBuilder builder(3);
  const int16_t conv_a = builder.add_conv();
  const int16_t conv_b = builder.add_conv();
  const int16_t sdp_a = builder.add_sdp(TaskBuilder::flying(8, 8, 32), TaskBuilder::cube(7, 8, 8, 32));
  const int16_t sdp_b = builder.add_sdp(TaskBuilder::flying(8, 8, 32), TaskBuilder::cube(7, 8, 8, 32));
  builder.fuse(conv_a, sdp_b);
  builder.fuse(conv_b, sdp_a);
  const Outcome outcome = submit(system, builder);
  EXPECT_EQ(outcome.field(), "fused_parent");
  EXPECT_EQ(outcome.reason.value, conv_b);
  EXPECT_EQ(outcome.reason.limit, conv_a);
}

TEST(Validation, BuffersHolesAndPermissions) {
  FakeSystem system(full_config());
  TaskBuilder builder = sound();
  const auto field = [&](const std::function<void(dla_address*)>& change) {
    return submit(system, builder, [&](dla_request&) { change(builder.addresses.data()); }).field();
  };
  EXPECT_EQ(field([](dla_address* a) { a[5].buffer = nullptr; }), "src.address");
  EXPECT_EQ(field([](dla_address* a) { a[6].writable = false; }), "dst.write");
  EXPECT_EQ(field([](dla_address* a) { a[5].sram = true; }), "src.type");
  EXPECT_EQ(field([](dla_address* a) { a[6].bytes = 9 * 32 * 32 - 1; }), "weight.end");
  EXPECT_EQ(field([](dla_address* a) { a[1].offset = 36; }), "dependency_graph");
  EXPECT_EQ(field([](dla_address* a) { a[0].bytes = 39; }), "network");
  EXPECT_EQ(field([](dla_address* a) { a[3].bytes -= 1; }), "surfaces");
  EXPECT_EQ(submit(system, builder, [](dla_request& r) { r.num_addresses = 0; }).field(), "num_addresses");
  EXPECT_EQ(submit(system, builder, [](dla_request& r) { r.num_addresses = 4; }).field(), "num_addresses");
}

TEST(Validation, CapabilitiesOfTheSmallChip) {
  FakeSystem system(small_config());
  TaskBuilder builder(2);
  builder.add_sdp(TaskBuilder::cube(5, 8, 8, 8, 1, 8), TaskBuilder::cube(6, 8, 8, 8, 1, 8));
  EXPECT_EQ(submit(system, builder).error, 0);
  builder.ops[0].sdp_op.src_precision = NVDLA_PRECISION_FP16;
  EXPECT_EQ(submit(system, builder).error, -MEDLAR_EOPNOTSUPP);
  builder.ops[0].sdp_op.src_precision = NVDLA_PRECISION_INT8;
  builder.ops[0].sdp_op.y_op.enable = 1;
  const Outcome outcome = submit(system, builder);
  EXPECT_EQ(outcome.error, -MEDLAR_EOPNOTSUPP);
  EXPECT_EQ(outcome.field(), "y");
  TaskBuilder rubik(2);
  rubik.add(NVDLA_OP_TYPE_RUBIK);
  EXPECT_EQ(submit(system, rubik).error, -MEDLAR_EOPNOTSUPP);
  TaskBuilder bdma(2);
  bdma.add(NVDLA_OP_TYPE_BDMA);
  EXPECT_EQ(submit(system, bdma).error, -MEDLAR_EOPNOTSUPP);
}

TEST(Validation, OutOfMemoryAtEveryAllocationIsAnErrorWithoutALeak) {
  FakeSystem system(full_config());
  TaskBuilder builder = sound();
  for (int n = 0; n < 3; ++n) {
    system.fail_allocation = n;
    EXPECT_EQ(submit(system, builder).error, -MEDLAR_ENOMEM) << n;
  }
  system.fail_allocation = -1;
  EXPECT_EQ(submit(system, builder).error, 0);
}

/// Random bytes over a sound task: whatever is accepted must also run to an end.
TEST(Validation, RandomDamageIsRefusedOrRuns) {
  std::mt19937 random(11);
  int accepted = 0;
  for (int round = 0; round < 8000; ++round) {
    FakeSystem system(full_config());
    TaskBuilder builder = sound();
    for (uint32_t hits = random() % 3 + 1; hits > 0; --hits) {
      const auto damage = [&](void* data, size_t bytes) {
        const auto value = static_cast<uint8_t>(random() % 4 == 0 ? random() : random() % 6);
        static_cast<uint8_t*>(data)[random() % bytes] = value;
      };
      switch (random() % 4) {
        case 0:
          damage(&builder.network, sizeof builder.network);
          break;
        case 1:
          damage(builder.graph.data(), builder.graph.size() * sizeof builder.graph[0]);
          break;
        case 2:
          damage(&builder.ops[random() % 4], sizeof(nvdla_sdp_op_desc));
          break;
        default:
          damage(&builder.surfaces[random() % 4], sizeof(nvdla_conv_surface_desc));
          break;
      }
    }
    dla_request request = builder.request();
    const dla_port port = system.port();
    dla_task* task = nullptr;
    medlar_query_error reason;
    if (dla_task_create(&port, &system.config, &request, &task, &reason) != 0) {
      ASSERT_NE(reason.field[0], '\0');
      continue;
    }
    ++accepted;
    dla_context context;
    dla_context_add(&system.device, &context, MEDLAR_PRIORITY_NORMAL);
    dla_submit(&system.device, &context, task, 0);
    system.run();
    ASSERT_EQ(system.ended.size(), 1u);
    ASSERT_EQ(system.ended[0].status, 0) << "round " << round << ": accepted, but it hangs";
  }
  EXPECT_GT(accepted, 500);
}

}  // namespace
}  // namespace medlar::driver::test
