// SPDX-License-Identifier: Apache-2.0
// Queues: order, bounds, events, cancellation, and results that depend on none of them.
#include "runtime/stream.hpp"

#include "runtime/digits_engine.hpp"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace medlar::runtime {
namespace {

using std::chrono::milliseconds;

/// Host work that lasts until the test lets it go.
struct Gate {
  std::atomic<bool> open{false};
  std::atomic<bool> entered{false};
  std::function<Status(const Cancellation&)> work() {
    return [this](const Cancellation& cancellation) -> Status {
      entered = true;
      while (!open && !cancellation.requested()) {
        std::this_thread::sleep_for(milliseconds(1));
      }
      return cancellation.requested() ? Status(fail(Code::kCancelled, "the gate was cancelled")) : Status();
    };
  }
};

std::unique_ptr<Stream> make_stream(size_t depth = 64) {
  auto stream = Stream::create({.name = "test stream", .depth = depth});
  EXPECT_TRUE(stream);
  return std::move(*stream);
}

TEST(Stream, WorkRunsInOrder) {
  const auto stream = make_stream(4);
  std::vector<int> order;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(stream->enqueue_host([&order, i](const Cancellation&) -> Status {
      order.push_back(i);
      return {};
    }));
  }
  ASSERT_TRUE(stream->synchronize());
  ASSERT_EQ(order.size(), 50u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(stream->pending(), 0u);
}

TEST(Stream, AFullQueueRefusesWithItsDepth) {
  Gate gate;
  const auto stream = make_stream(2);
  ASSERT_TRUE(stream->enqueue_host(gate.work()));
  while (!gate.entered) {
    std::this_thread::yield();  // until the worker has taken it: the queue itself is empty
  }
  EnqueueOptions at_once{.wait_for = {}, .room_timeout = std::chrono::nanoseconds(0), .report = nullptr};
  ASSERT_TRUE(stream->record(at_once));
  ASSERT_TRUE(stream->record(at_once));
  const auto third = stream->record(at_once);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Code::kResourceExhausted);
  EXPECT_NE(third.error().message.find("2 items are queued"), std::string::npos) << third.error().message;
  EXPECT_EQ(stream->synchronize(milliseconds(5)).error().code, Code::kTimeout);
  gate.open = true;
  EXPECT_TRUE(stream->synchronize());
}

TEST(Stream, AnEventOrdersTwoStreams) {
  Gate gate;
  const auto first = make_stream();
  const auto second = make_stream();
  const auto done = first->enqueue_host(gate.work());
  ASSERT_TRUE(done);
  ASSERT_TRUE(second->wait_for(*done));
  const auto after = second->record();
  ASSERT_TRUE(after);
  EXPECT_EQ(after->wait(milliseconds(30)).error().code, Code::kTimeout);
  EXPECT_FALSE(after->done());
  gate.open = true;
  EXPECT_TRUE(after->wait());
}

TEST(Stream, FailureReachesWhatDependsOnItAndNothingElse) {
  const auto stream = make_stream();
  const auto failed =
      stream->enqueue_host([](const Cancellation&) -> Status { return fail(Code::kFault, "broken"); });
  const auto dependent = stream->record({.wait_for = {*failed}, .room_timeout = kForever, .report = nullptr});
  const auto other = stream->record();
  EXPECT_EQ(failed->wait().error().code, Code::kFault);
  EXPECT_EQ(dependent->wait().error().code, Code::kCancelled);
  EXPECT_NE(dependent->wait().error().message.find("broken"), std::string::npos);
  EXPECT_TRUE(other->wait());
  EXPECT_EQ(stream->synchronize().error().message, "test stream: broken");
  EXPECT_TRUE(stream->synchronize()) << "reported once";
}

TEST(Stream, CancelStopsWhatRunsAndWhatWaits) {
  Gate never;
  const auto stream = make_stream();
  const auto running = stream->enqueue_host(never.work());
  const auto waiting = stream->record();
  std::this_thread::sleep_for(milliseconds(5));
  stream->cancel();
  EXPECT_EQ(running->wait().error().code, Code::kCancelled);
  EXPECT_EQ(waiting->wait().error().code, Code::kCancelled);
  EXPECT_FALSE(stream->synchronize());
  EXPECT_TRUE(stream->record()->wait()) << "usable afterwards";
}

TEST(Stream, CancelAlsoEndsWaitingForAnotherStream) {
  Gate never;
  const auto other = make_stream();
  const auto stream = make_stream();
  const auto blocked = other->enqueue_host(never.work());
  const auto waits = stream->record({.wait_for = {*blocked}, .room_timeout = kForever, .report = nullptr});
  stream->cancel();
  EXPECT_EQ(waits->wait().error().code, Code::kCancelled);
  never.open = true;
  EXPECT_TRUE(other->synchronize());
}

TEST(Stream, DestructionFinishesTheQueue) {
  int ran = 0;
  {
    const auto stream = make_stream();
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(stream->enqueue_host([&ran](const Cancellation&) -> Status { return ++ran, Status(); }));
    }
  }
  EXPECT_EQ(ran, 10);
}

/// All pictures through `streams` streams, `contexts` contexts and both orders: what one thread computes.
TEST(Stream, ResultsDependOnNeitherStreamsNorContextsNorOrder) {
  const test::Digits digits = test::digits("orin-nx-16gb", hw::Precision::kInt8, 6);
  const std::string input = digits.engine.plan.inputs[0];
  const std::string output = digits.engine.plan.outputs[0];
  std::vector<graph::Tensor> wanted;
  const auto reference = digits.context();
  for (const auto& picture : digits.inputs) {
    wanted.push_back(reference->run(picture)->at(output));
  }
  const std::vector<std::shared_ptr<const LoadedEngine>> engines{digits.load({.core = 0}),
                                                                 digits.load({.core = 1})};
  for (const bool backwards : {false, true}) {
    std::vector<std::unique_ptr<Stream>> streams;
    std::vector<std::shared_ptr<ExecutionContext>> contexts;
    for (size_t i = 0; i < 4; ++i) {
      streams.push_back(make_stream(2));
      contexts.push_back(*ExecutionContext::create(engines[i % 2]));
    }
    const size_t count = digits.inputs.size() * 4;
    std::vector<graph::Tensor> results(count);
    std::vector<RunReport> reports(count);
    for (size_t i = 0; i < count; ++i) {
      const size_t picture = (backwards ? count - 1 - i : i) % digits.inputs.size();
      const auto event = streams[i % 4]->enqueue(
          contexts[(i + i / 4) % 4],
          {{input, Binding::input(digits.inputs[picture].at(input))}, {output, Binding::output(results[i])}},
          {.wait_for = {}, .room_timeout = kForever, .report = &reports[i]});
      ASSERT_TRUE(event) << event.error().to_string();
    }
    for (const auto& stream : streams) {
      const Status status = stream->synchronize();
      ASSERT_TRUE(status) << status.error().to_string();
    }
    std::array<int, 2> tasks{};
    for (size_t i = 0; i < count; ++i) {
      EXPECT_EQ(results[i], wanted[(backwards ? count - 1 - i : i) % digits.inputs.size()]) << i;
      tasks[reports[i].segments[0].core] += static_cast<int>(reports[i].segments[0].serials.size());
    }
    EXPECT_GT(tasks[0], 0);
    EXPECT_GT(tasks[1], 0);
  }
}

/// A task that the DLA has begun ends at its border; what waits does not start; the context works on.
TEST(Stream, CancellingInferencesEndsAtTaskBorders) {
  const test::Digits digits = test::digits("orin-nano-8gb", hw::Precision::kFp16, 1);
  const std::string input = digits.engine.plan.inputs[0], output = digits.engine.plan.outputs[0];
  const auto context = digits.context();
  const graph::Tensor wanted = context->run(digits.inputs[0])->at(output);
  const auto stream = make_stream();
  constexpr size_t kRuns = 16;
  std::vector<graph::Tensor> results(kRuns);
  std::vector<Event> events;
  for (graph::Tensor& result : results) {
    auto event = stream->enqueue(
        context, {{input, Binding::input(digits.inputs[0].at(input))}, {output, Binding::output(result)}});
    ASSERT_TRUE(event) << event.error().to_string();
    events.push_back(*event);
  }
  ASSERT_TRUE(events[0].wait());
  const auto start = std::chrono::steady_clock::now();
  stream->cancel();
  size_t cancelled = 0;
  for (size_t i = 0; i < kRuns; ++i) {
    const Status status = events[i].wait();
    if (status) {
      EXPECT_EQ(results[i], wanted) << i;
    } else {
      EXPECT_EQ(status.error().code, Code::kCancelled) << status.error().to_string();
      ++cancelled;
    }
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_GT(cancelled, 0u);
  const auto after = context->run(digits.inputs[0]);
  ASSERT_TRUE(after) << after.error().to_string();
  EXPECT_EQ(after->at(output), wanted);
}

}  // namespace
}  // namespace medlar::runtime
