// SPDX-License-Identifier: Apache-2.0
// An ordered, bounded queue of inferences and host work, run by a worker of its own.
#pragma once

#include "runtime/event.hpp"
#include "runtime/execution_context.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace medlar::runtime {

struct StreamOptions {
  std::string name = "stream";  ///< In errors.
  size_t depth = 64;            ///< Items that may wait; the one that runs does not count.
};

struct EnqueueOptions {
  /// Must be done before the work starts. If one failed, the work is not done and fails with kCancelled.
  std::vector<Event> wait_for = {};
  /// How long enqueue may block while the queue is full; then kResourceExhausted. Zero: not at all.
  std::chrono::nanoseconds room_timeout = kForever;
  RunReport* report = nullptr;  ///< Filled before the event signals; must live until then.
};

/// Thread-safe. Work of one stream runs in order, one after the other; streams run side by side. Failed work
/// does not stop the work behind it.
class Stream {
 public:
  static Result<std::unique_ptr<Stream>> create(StreamOptions options = {});
  /// Finishes what is queued. Call cancel() first to be quicker.
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Queues an inference; bindings are checked now. The memory that they name must live until the event
  /// signals.
  Result<Event> enqueue(std::shared_ptr<ExecutionContext> context, Bindings bindings,
                        EnqueueOptions options = {});
  /// Queues a function of the host, e.g. pre- or post-processing. It may look at the cancellation.
  Result<Event> enqueue_host(std::function<Status(const Cancellation&)> work, EnqueueOptions options = {});
  /// Done when everything queued so far is.
  Result<Event> record(EnqueueOptions options = {});
  /// Later work of this stream starts after `event`, however that ended.
  Status wait_for(const Event& event);

  /// Blocks until everything queued so far is done, for at most `timeout` of host time (kTimeout). Otherwise
  /// the first error of the work since the last synchronize, if there was one.
  Status synchronize(std::chrono::nanoseconds timeout = kForever);
  /// Work that waits fails with kCancelled; what runs stops as soon as it can. The stream stays usable.
  void cancel();
  /// Items not done, the running one included.
  size_t pending() const;

 private:
  struct State;
  explicit Stream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace medlar::runtime
