// SPDX-License-Identifier: Apache-2.0
#include "runtime/stream.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace medlar::runtime {
namespace {

struct Item {
  std::function<Status(const Cancellation&)> work;  ///< Empty: a mark.
  std::vector<Event> wait_for;
  bool ordering_only = false;  ///< What it waits for may fail.
  Event done;
  std::shared_ptr<Cancellation> cancellation;
};

/// Waits in slices, so that a cancelled stream does not wait for another stream's work.
Status wait_unless_cancelled(const Event& event, const Cancellation& cancellation) {
  constexpr std::chrono::milliseconds kSlice(20);
  while (true) {
    if (cancellation.requested()) {
      return fail(Code::kCancelled, "cancelled while it waited for other work");
    }
    if (Status status = event.wait(kSlice); status || event.done()) {
      return status;
    }
  }
}

}  // namespace

struct Stream::State {
  StreamOptions options;
  mutable std::mutex mutex;
  std::condition_variable room, ready;
  std::deque<Item> queue;
  size_t running = 0;
  bool closing = false;
  std::shared_ptr<Cancellation> cancellation = std::make_shared<Cancellation>();
  Event last;  ///< Of what was queued last.
  std::optional<Error> first_error;
  std::thread worker;

  Result<Event> push(Item item, std::chrono::nanoseconds room_timeout);
  void work();
  static Status perform(const Item& item);
};

Result<Event> Stream::State::push(Item item, std::chrono::nanoseconds room_timeout) {
  const Event done = item.done;
  {
    std::unique_lock lock(mutex);
    const auto has_room = [&] { return queue.size() < options.depth; };
    if (room_timeout < std::chrono::nanoseconds::zero()) {
      room.wait(lock, has_room);
    } else if (!room.wait_for(lock, room_timeout, has_room)) {
      return fail(Code::kResourceExhausted, "{}: {} items are queued, that is its depth", options.name,
                  queue.size());
    }
    item.cancellation = cancellation;
    last = done;
    queue.push_back(std::move(item));
  }
  ready.notify_one();
  return done;
}

Status Stream::State::perform(const Item& item) {
  for (const Event& event : item.wait_for) {
    Status status = wait_unless_cancelled(event, *item.cancellation);
    if (!status && !item.ordering_only) {
      return fail(Code::kCancelled, "not done, what it waits for failed: {}", status.error().to_string());
    }
  }
  if (item.cancellation->requested()) {
    return fail(Code::kCancelled, "cancelled before it started");
  }
  return item.work ? item.work(*item.cancellation) : Status();
}

void Stream::State::work() {
  while (true) {
    std::optional<Item> item;
    {
      std::unique_lock lock(mutex);
      ready.wait(lock, [&] { return !queue.empty() || closing; });
      if (queue.empty()) {
        return;
      }
      item = std::move(queue.front());
      queue.pop_front();
      running = 1;
    }
    room.notify_one();
    Status status = perform(*item);
    const Event done = item->done;
    item.reset();  // contexts and bindings go before anybody hears that it is done
    {
      const std::lock_guard lock(mutex);
      running = 0;
      if (!status && !first_error) {
        first_error = status.error();
      }
    }
    done.signal(std::move(status));
  }
}

Stream::Stream(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Stream>> Stream::create(StreamOptions options) {
  if (options.depth == 0) {
    return fail(Code::kInvalidArgument, "{}: a depth of 0 takes no work", options.name);
  }
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  try {
    state->worker = std::thread([raw = state.get()] { raw->work(); });
  } catch (const std::system_error& error) {
    return fail(Code::kResourceExhausted, "{}: cannot start its worker: {}", state->options.name,
                error.what());
  }
  return std::unique_ptr<Stream>(new Stream(std::move(state)));
}

Stream::~Stream() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->ready.notify_all();
  state_->worker.join();
}

Result<Event> Stream::enqueue(std::shared_ptr<ExecutionContext> context, Bindings bindings,
                              EnqueueOptions options) {
  if (Status status = context->check(bindings); !status) {
    return tl::unexpected<Error>(std::move(status).error().in(state_->options.name));
  }
  auto work = [context = std::move(context), bindings = std::move(bindings), report = options.report](
                  const Cancellation& cancellation) { return context->run(bindings, report, &cancellation); };
  return enqueue_host(std::move(work), std::move(options));
}

Result<Event> Stream::enqueue_host(std::function<Status(const Cancellation&)> work, EnqueueOptions options) {
  return state_->push({.work = std::move(work),
                       .wait_for = std::move(options.wait_for),
                       .ordering_only = false,
                       .done = Event::pending(),
                       .cancellation = nullptr},
                      options.room_timeout);
}

Result<Event> Stream::record(EnqueueOptions options) {
  return enqueue_host({}, std::move(options));
}

Status Stream::wait_for(const Event& event) {
  MEDLAR_TRY(state_->push({.work = {},
                           .wait_for = {event},
                           .ordering_only = true,
                           .done = Event::pending(),
                           .cancellation = nullptr},
                          kForever));
  return {};
}

Status Stream::synchronize(std::chrono::nanoseconds timeout) {
  Event last;
  {
    const std::lock_guard lock(state_->mutex);
    last = state_->last;
  }
  if (Status status = last.wait(timeout); !status && !last.done()) {
    return fail(Code::kTimeout, "{}: {} items are not done after {} ns", state_->options.name, pending(),
                timeout.count());
  }
  const std::lock_guard lock(state_->mutex);
  if (std::optional<Error> error = std::exchange(state_->first_error, std::nullopt); error) {
    return tl::unexpected<Error>(std::move(*error).in(state_->options.name));
  }
  return {};
}

void Stream::cancel() {
  const std::lock_guard lock(state_->mutex);
  state_->cancellation->request();
  state_->cancellation = std::make_shared<Cancellation>();
}

size_t Stream::pending() const {
  const std::lock_guard lock(state_->mutex);
  return state_->queue.size() + state_->running;
}

}  // namespace medlar::runtime
