// SPDX-License-Identifier: Apache-2.0
// What a loaded model keeps. Shared by its load half (model.cpp) and its run half (model_run.cpp).
#pragma once

#include "loadable/emu.hpp"
#include "umd/model.hpp"

#include <condition_variable>
#include <mutex>

namespace medlar::umd {

/// Where an entry of a task's address list lies: a memory of the model, or a bound buffer.
struct TaskAddress {
  uint16_t memory = 0;
  uint64_t offset = 0;
};

struct LoadedTask {
  bool host = false;
  std::vector<TaskAddress> addresses;
  std::vector<loadable::EmuOp> ops;  ///< Of a host task.
};

struct LoadedMemory {
  std::shared_ptr<Buffer> buffer;  ///< Null for bindables and for memories that nobody allocates.
  int input = -1, output = -1;     ///< Bind id of a bindable.
};

/// Lets runs with host tasks through one at a time, in the order of their tickets.
class HostQueue {
 public:
  /// Calls launch(ticket) and hands the ticket out if it succeeds.
  template <typename Launch>
  auto take(Launch launch) {
    const std::lock_guard lock(mutex_);
    auto result = launch(next_);
    if (result) {
      ++next_;
    }
    return result;
  }
  void wait_turn(uint64_t ticket) {
    std::unique_lock lock(mutex_);
    turn_.wait(lock, [&] { return serving_ == ticket; });
  }
  void done() {
    {
      const std::lock_guard lock(mutex_);
      ++serving_;
    }
    turn_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable turn_;
  uint64_t next_ = 0, serving_ = 0;
};

struct LoadedModel::State {
  explicit State(std::shared_ptr<Context> of) : context(std::move(of)) {}
  ~State() {
    if (loadable != 0) {
      context->remove_loadable(loadable);
    }
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::shared_ptr<Context> context;
  uint32_t loadable = 0;  ///< Its place on the core.
  std::vector<LoadedMemory> memories;
  std::vector<LoadedTask> tasks;  ///< In the order of the submit list.
  std::vector<BindingInfo> inputs, outputs;
  uint64_t device_bytes = 0;
  bool has_host_tasks = false;
  std::shared_ptr<const std::vector<std::string>> layers;
  std::mutex submit_mutex;  ///< The tasks of a run enter the queue together: runs share intermediate buffers.
  HostQueue host_queue;
};

}  // namespace medlar::umd
