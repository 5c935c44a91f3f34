// SPDX-License-Identifier: Apache-2.0
// One DLA core: the driver core's device, its port to the simulated chip, and who runs its tasks.
//
// Tasks are run by whoever holds the run mutex: the core's worker thread, or a thread that waits for a fence anyway and
// then needs no hand-over between threads. To let that happen, the worker leaves a new task alone for a moment, unless
// somebody is known to wait in another way.
#pragma once

#include "driver/core/device.h"
#include "driver/sim/buffer.hpp"
#include "driver/sim/fence.hpp"
#include "driver/sim/kernel.hpp"
#include "driver/sim/kernel_log.hpp"
#include "driver/sim/messages.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace medlar::driver {

/// A queue and its address space. Lives until its last task has ended.
struct Context {
  dla_context core{};
  std::shared_ptr<AddressSpace> space;
  uint64_t live_tasks = 0;  ///< Guarded by CoreDevice's task mutex.
};

/// The last failure of one user, for MEDLAR_QUERY_ERROR. Thread-safe.
class ErrorSlot {
 public:
  void put(const medlar_query_error& record) {
    const std::lock_guard lock(mutex_);
    record_ = record;
  }
  medlar_query_error get() {
    const std::lock_guard lock(mutex_);
    return record_;
  }

 private:
  std::mutex mutex_;
  medlar_query_error record_{};
};

/// What a submitted task keeps alive and whom it tells.
struct TaskRecord {
  dla_task* task = nullptr;  ///< Null once it has ended; guarded by CoreDevice's task mutex.
  std::shared_ptr<Context> context;
  std::vector<std::shared_ptr<Buffer>> buffers;
  std::shared_ptr<Fence> fence;
  std::shared_ptr<ErrorSlot> errors;
  LayerNames layers;
};

class CoreDevice {
 public:
  CoreDevice(soc::Soc& soc, KernelLog& log, uint32_t core, const KernelOptions& options);
  ~CoreDevice();
  CoreDevice(const CoreDevice&) = delete;
  CoreDevice& operator=(const CoreDevice&) = delete;

  const dla_config& config() const { return device_.config; }
  /// "nvhost-nvdla0"
  const std::string& node() const { return node_; }
  uint32_t index() const { return core_; }
  const dla_port& port() const { return device_.port; }
  dla_counters counters();
  uint64_t time_ns() const { return time_ns_; }
  uint32_t loadables();
  int add_loadable() { return dla_loadable_add(&device_); }
  void remove_loadable() { dla_loadable_remove(&device_); }
  void log(Severity severity, std::string_view line) const;

  std::shared_ptr<Context> create_context(std::shared_ptr<AddressSpace> space, uint32_t priority);
  /// Cancels the context's tasks and waits for their ends.
  void destroy_context(const std::shared_ptr<Context>& context);

  /// Takes a created task and its record; returns the serial number.
  uint64_t submit(dla_task* task, std::shared_ptr<TaskRecord> record,
                  const std::vector<std::shared_ptr<Fence>>& in_fences);

  /// Runs queued tasks on this thread until the fence has signalled, unless another thread runs them already.
  void help(const Fence& fence);
  /// Somebody waits who cannot help: the worker begins at once.
  void hurry();
  /// Device time passes without work; the driver switches off what is idle. Waits for queued work to end first.
  void idle(uint64_t ns);
  /// Device time goes on to `until` without work, unless somebody has work for the core: then that is what
  /// moves it.
  void idle_until(uint64_t until);

  void set_observer(CompletedOpObserver observer) { observer_ = std::move(observer); }
  void inject(const FaultInjection& fault);

 private:
  static dla_config make_config(const soc::SocConfig& soc, uint64_t default_timeout_ns);
  int bus_error(const Error& error);
  int set_power(dla_power power);
  dla_port make_port();
  int read_register(uint32_t address, uint32_t* value);
  int write_register(uint32_t address, uint32_t value);
  void reset();
  void finished(dla_task* task);
  void unblock(TaskRecord& record, int status);
  void wake();

  void work();
  bool wait_for_work();
  void drain();
  void rest(uint64_t until);
  void run_task();
  bool take_interrupt();
  void step();
  void hang();
  void abort_step(const Error& error);
  void log_fault(const soc::Fault& fault) const;
  void on_executed(const chip::ExecutedOp& executed);

  soc::Soc& soc_;
  chip::Chip& chip_;
  uint64_t base_;  ///< Of the registers, on the bus.
  uint32_t core_;
  std::string node_, device_name_;
  KernelLog& log_;
  CompletedOpObserver observer_;
  OpTimeModel op_time_;
  std::string bus_error_;  ///< What the chip said to the access that it refused.
  std::atomic<uint64_t> time_ns_{0};
  std::atomic<uint64_t> unfinished_{0};  ///< Tasks whose fences have not signalled.

  std::mutex lock_;        ///< The core's lock (dla_port.lock).
  std::mutex task_mutex_;  ///< Outside lock_: records, live tasks, injected faults.
  std::condition_variable drained_;
  FaultInjection injected_;
  std::atomic<bool> armed_{false};  ///< Something is injected.
  bool stuck_ = false;  ///< Injected hang; the worker's.

  dla_counters published_{};  ///< As of the last task that ended; guarded by lock_.

  std::mutex wake_mutex_;
  std::condition_variable wake_;
  bool work_waiting_ = false;
  bool hurried_ = false;
  bool parked_ = true;  ///< The worker sleeps until it is told; otherwise it looks by itself soon.
  bool stopping_ = false;

  std::mutex run_mutex_;  ///< Who holds it drives device_ and the chip. Outside the others.
  dla_device device_{};
  std::thread worker_;
};

}  // namespace medlar::driver
