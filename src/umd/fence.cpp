// SPDX-License-Identifier: Apache-2.0
#include "umd/fence.hpp"

namespace medlar::umd {

struct Fence::State {
  std::shared_ptr<Context> context;
  SubmittedTask task;
  std::shared_future<Status> host;
  std::mutex mutex;
  std::shared_ptr<void> keep_alive;
  std::shared_ptr<const std::vector<std::string>> layers;
  std::optional<Status> result;  ///< Once known: the kernel remembers only its last error.
};

Fence::Fence(std::shared_ptr<Context> context, SubmittedTask task, std::shared_ptr<void> keep_alive,
             std::shared_ptr<const std::vector<std::string>> layers)
    : state_(std::make_shared<State>()) {
  state_->keep_alive = std::move(keep_alive);
  state_->context = std::move(context);
  state_->layers = std::move(layers);
  state_->task = std::move(task);
}

Fence::Fence(std::shared_future<Status> host) : state_(std::make_shared<State>()) {
  state_->host = std::move(host);
}

namespace {

Status wait_host(const std::shared_future<Status>& host, std::chrono::nanoseconds timeout) {
  if (timeout < std::chrono::nanoseconds::zero()) {
    return host.get();
  }
  if (host.wait_for(timeout) != std::future_status::ready) {
    return fail(Code::kTimeout, "work on the host is not done after {} ns", timeout.count());
  }
  return host.get();
}

Status task_error(const Context& context, uint64_t serial, int status, const std::vector<std::string>* layers) {
  if (auto reason = context.last_error(serial)) {
    const auto op = static_cast<size_t>(context.last_failure().op_index);  // -1 is out of range
    if (layers != nullptr && op < layers->size() && !(*layers)[op].empty()) {
      reason->message += fmt::format(" (layer {})", (*layers)[op]);
    }
    return tl::unexpected<Error>(*std::move(reason));
  }
  return kernel_error(fmt::format("{}: task {}", context.device().info().node, serial), status);
}

}  // namespace

Status Fence::wait(std::chrono::nanoseconds timeout) const {
  if (state_->host.valid()) {
    return wait_host(state_->host, timeout);
  }
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->result) {
      return *state_->result;
    }
  }
  medlar_wait_fence args{};
  args.fence = state_->task.fence.get();
  args.timeout_ns = timeout.count();
  const int error = state_->context->fd().call(MEDLAR_WAIT_FENCE, args);
  if (error == -MEDLAR_ETIME) {
    return fail(Code::kTimeout, "{}: task {} is not done after {} ns", state_->context->device().info().node,
                state_->task.serial, timeout.count());
  }
  if (error < 0) {
    return kernel_error(
        fmt::format("{}: wait for task {}", state_->context->device().info().node, state_->task.serial),
        error);
  }
  const std::lock_guard lock(state_->mutex);
  if (!state_->result) {
    state_->result =
        args.status == 0 ? Status() : task_error(*state_->context, state_->task.serial, args.status,
                                               state_->layers.get());
  }
  return *state_->result;
}

bool Fence::done() const {
  if (state_->host.valid()) {
    return state_->host.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  const std::lock_guard lock(state_->mutex);
  return state_->result.has_value();
}

int Fence::fd() const {
  return state_->host.valid() ? -1 : state_->task.fence.get();
}

uint64_t Fence::serial() const {
  return state_->task.serial;
}

}  // namespace medlar::umd
