// SPDX-License-Identifier: Apache-2.0
// What every port must do with contexts, queues, fences, time and power.
#include "driver/conformance/port.hpp"

#include <algorithm>

namespace medlar::driver::test {
namespace {

void runs_a_contexts_tasks_in_order(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  std::vector<int> tasks;
  for (int i = 0; i < 5; ++i) {
    TaskBuilder builder = copies(port.atom(), 2);
    tasks.push_back(port.submit(context, builder));
  }
  for (const int task : tasks) {
    EXPECT_EQ(port.wait(task), 0);
  }
  std::vector<int> order = port.order();
  std::erase_if(order, [&](int task) { return std::ranges::count(tasks, task) == 0; });
  EXPECT_EQ(order, tasks);
}

void higher_priority_goes_first(Port& port) {
  const int low = port.open_context(MEDLAR_PRIORITY_LOW);
  const int high = port.open_context(MEDLAR_PRIORITY_HIGH);
  port.hold();
  TaskBuilder builder = copies(port.atom());
  const int later = port.submit(low, builder);
  const int sooner = port.submit(high, builder);
  port.release();
  EXPECT_EQ(port.wait(later), 0);
  EXPECT_EQ(port.wait(sooner), 0);
  const std::vector<int> order = port.order();
  EXPECT_LT(std::ranges::find(order, sooner), std::ranges::find(order, later));
}

void nobody_starves(Port& port) {
  constexpr int kMany = 40;
  const int high = port.open_context(MEDLAR_PRIORITY_HIGH);
  const int low = port.open_context(MEDLAR_PRIORITY_LOW);
  port.hold();
  TaskBuilder builder = copies(port.atom());
  std::vector<int> tasks;
  for (int i = 0; i < kMany; ++i) {
    tasks.push_back(port.submit(high, builder));
  }
  const int patient = port.submit(low, builder);
  port.release();
  for (const int task : tasks) {
    EXPECT_EQ(port.wait(task), 0);
  }
  EXPECT_EQ(port.wait(patient), 0);
  const std::vector<int> order = port.order();
  EXPECT_LT(std::ranges::find(order, patient), std::ranges::find(order, tasks.back())) << "before the last of the others";
}

void fences_order_contexts(Port& port) {
  const int first = port.open_context(MEDLAR_PRIORITY_LOW);
  const int second = port.open_context(MEDLAR_PRIORITY_HIGH);
  port.hold();
  TaskBuilder builder = copies(port.atom());
  const int producer = port.submit(first, builder);
  const int consumer = port.submit(second, builder, {producer});
  port.release();
  EXPECT_EQ(port.wait(consumer), 0);
  EXPECT_EQ(port.wait(producer), 0);
  const std::vector<int> order = port.order();
  EXPECT_LT(std::ranges::find(order, producer), std::ranges::find(order, consumer));
}

void a_failed_fence_fails_what_waits(Port& port) {
  const int first = port.open_context(MEDLAR_PRIORITY_NORMAL);
  const int second = port.open_context(MEDLAR_PRIORITY_NORMAL);
  port.inject({.hang = true});
  TaskBuilder builder = copies(port.atom());
  const int producer = port.submit(first, builder);
  const int consumer = port.submit(second, builder, {producer});
  EXPECT_EQ(port.wait(producer), -MEDLAR_ETIME);
  EXPECT_EQ(port.wait(consumer), -MEDLAR_ECANCELED);
  EXPECT_EQ(port.reason(second).kind, static_cast<uint32_t>(MEDLAR_ERROR_FENCE));
}

void sixteen_loadables_a_core(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  int taken = 0;
  int error = 0;
  while (taken < 64 && (error = port.add_loadable(context)) == 0) {
    ++taken;
  }
  EXPECT_EQ(error, -MEDLAR_ENOSPC);
  EXPECT_TRUE(taken == 16 || taken == 15) << "one place may be the context's own: " << taken;
  port.kill_context(context);
}

void broken_descriptors_are_refused_by_name(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  TaskBuilder wide = copies(port.atom());
  wide.surfaces[0].sdp_surface.src_data.width = 9000;
  EXPECT_EQ(port.submit(context, wide), -MEDLAR_EINVAL);
  EXPECT_STREQ(port.reason(context).field, "src.width");
  EXPECT_EQ(port.reason(context).limit, 8192);
  TaskBuilder far = copies(port.atom());
  far.surfaces[0].sdp_surface.dst_data.offset = 1 << 20;
  EXPECT_EQ(port.submit(context, far), -MEDLAR_EINVAL);
  EXPECT_STREQ(port.reason(context).field, "dst.end");
}

void cycles_are_refused(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  const auto c = static_cast<uint16_t>(port.atom());
  TaskBuilder builder(2);
  const int16_t sdp = builder.add_sdp(TaskBuilder::cube(5, 8, 8, c, 1, c), TaskBuilder::cube(6, 8, 8, c, 1, c));
  const int16_t pdp = builder.add_pdp(TaskBuilder::cube(5, 8, 8, c, 1, c), TaskBuilder::cube(6, 4, 4, c, 1, c));
  builder.link(sdp, pdp, NVDLA_EVENT_OP_COMPLETED);
  builder.link(pdp, sdp, NVDLA_EVENT_OP_COMPLETED);
  EXPECT_EQ(port.submit(context, builder), -MEDLAR_EINVAL);
  EXPECT_STREQ(port.reason(context).field, "dependency cycle");
}

void unordered_writes_are_refused(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  const auto c = static_cast<uint16_t>(port.atom());
  TaskBuilder builder(2);
  const int16_t sdp = builder.add_sdp(TaskBuilder::cube(5, 8, 8, c, 1, c), TaskBuilder::cube(6, 8, 8, c, 1, c));
  const int16_t pdp = builder.add_pdp(TaskBuilder::cube(5, 8, 8, c, 1, c), TaskBuilder::cube(6, 4, 4, c, 1, c));
  EXPECT_EQ(port.submit(context, builder), -MEDLAR_EINVAL);
  EXPECT_STREQ(port.reason(context).field, "overlapping write");
  builder.link(sdp, pdp, NVDLA_EVENT_OP_COMPLETED);
  EXPECT_EQ(port.wait(port.submit(context, builder)), 0) << "ordered, it is fine";
}

void power_follows_the_work(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  TaskBuilder builder = copies(port.atom());
  const uint64_t power_ups = port.counters().power_ups;
  EXPECT_EQ(port.wait(port.submit(context, builder)), 0);
  port.idle(1000);
  EXPECT_EQ(port.counters().power_ups, power_ups + 1) << "off at boot";
  const uint64_t enables = port.counters().clock_enables;
  EXPECT_EQ(port.wait(port.submit(context, builder)), 0);
  port.idle(1000);
  EXPECT_EQ(port.counters().power_ups, power_ups + 1) << "a short pause gates the clock only";
  EXPECT_EQ(port.counters().clock_enables, enables + 1);
  port.idle(10'000'000'000);
  EXPECT_EQ(port.wait(port.submit(context, builder)), 0);
  EXPECT_EQ(port.counters().power_ups, power_ups + 2) << "a long one takes the power";
}

}  // namespace

const std::vector<ConformanceCase>& scheduling_cases() {
  static const std::vector<ConformanceCase> kCases = {
      {"runs_a_contexts_tasks_in_order", runs_a_contexts_tasks_in_order},
      {"higher_priority_goes_first", higher_priority_goes_first},
      {"nobody_starves", nobody_starves},
      {"fences_order_contexts", fences_order_contexts},
      {"a_failed_fence_fails_what_waits", a_failed_fence_fails_what_waits},
      {"sixteen_loadables_a_core", sixteen_loadables_a_core},
      {"broken_descriptors_are_refused_by_name", broken_descriptors_are_refused_by_name},
      {"cycles_are_refused", cycles_are_refused},
      {"unordered_writes_are_refused", unordered_writes_are_refused},
      {"power_follows_the_work", power_follows_the_work},
  };
  return kCases;
}

}  // namespace medlar::driver::test
