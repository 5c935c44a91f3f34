// SPDX-License-Identifier: Apache-2.0
// The simulated kernel: the driver core on the simulated module, behind the C interface of src/uapi.
#pragma once

#include "base/log.hpp"
#include "chip/chip.hpp"
#include "soc/soc.hpp"
#include "uapi/medlar_uapi.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace medlar::driver {

class Pages;
class Peer;
struct LogLine;

/// An operation (or on-the-fly chain) that a core has executed.
struct CompletedOp {
  uint32_t core = 0;
  uint64_t serial = 0;    ///< Of the task (medlar_submit.serial).
  uint32_t op_index = 0;  ///< First operation of the chain.
  uint64_t start_ns = 0, duration_ns = 0;  ///< Device time, as KernelOptions::op_time has it.
  struct Part {
    uint8_t op_type = 0;  ///< 0 BDMA 1 CONV 2 SDP 3 PDP 4 CDP 5 RUBIK
    uint32_t op_index = 0;
  };
  std::vector<Part> parts;                     ///< All operations of the chain, in pipeline order.
  const chip::ExecutedOp* executed = nullptr;  ///< Register snapshots; valid during the call.
};

/// Called by the thread that drives the core, one at a time, in the order of execution on that core.
using CompletedOpObserver = std::function<void(const CompletedOp&)>;
/// Device time that an operation takes in a power mode, in nanoseconds.
using OpTimeModel = std::function<uint64_t(const chip::ExecutedOp&, const hw::PowerMode&)>;

struct KernelOptions {
  soc::SocConfig soc;
  LogSink log = null_log_sink();  ///< dmesg lines, as they come.
  CompletedOpObserver observer;
  OpTimeModel op_time;                           ///< Absent: operations take no device time.
  uint64_t default_timeout_ns = 10'000'000'000;  ///< Device time.
  std::vector<uint32_t> disabled_cores = {};     ///< Their device-tree nodes say status = "disabled".
};

/// Things that go wrong on real boards, for tests. They act on the next occasion and then disarm.
struct FaultInjection {
  bool lose_interrupt = false;      ///< The chip's next interrupt never arrives.
  bool spurious_interrupt = false;  ///< One arrives without cause.
  bool hang = false;                ///< The chip stops executing until it is reset.
  bool lose_power = false;          ///< The power domain goes off under the driver.
};

/// Thread-safe. Submitted tasks are executed in the background; within a context in order, so the results of a program
/// do not depend on when they run.
class Kernel {
 public:
  static Result<std::unique_ptr<Kernel>> create(KernelOptions options);
  /// Closes what is open; running tasks are cancelled.
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  /// Valid as long as the kernel.
  const medlar_kernel* seam() const;
  soc::Soc& soc();
  /// Replaces the observer; call while nothing runs.
  void set_observer(CompletedOpObserver observer);
  void inject(uint32_t core, const FaultInjection& fault);
  /// Device time of a core.
  uint64_t device_time_ns(uint32_t core) const;
  /// Device time in which a core has nothing to do; it may lose clock and power over it.
  void idle(uint32_t core, uint64_t ns);
  /// Device time of a core goes on to `until` while others work; by itself, and further, when it has work
  /// meanwhile.
  void idle_until(uint32_t core, uint64_t until);
  /// Switches the module's power mode, as nvpmodel does. While tasks run, the next operation has the new clock.
  Status set_power_mode(std::string_view name);
  /// dmesg.
  std::vector<LogLine> log() const;
  /// Files of /dev, /proc and /sys: path to contents, as of now.
  std::map<std::string, std::string> sysfs() const;
  /// Another engine of the module: "gpu", "cpu", "isp", "vi".
  Result<Peer*> peer(std::string_view name);
  /// The pages behind a descriptor that MEDLAR_EXPORT_BUFFER gave, for peers.
  Result<std::shared_ptr<Pages>> shared_pages(int fd);
  /// Gives pages a descriptor, for MEDLAR_IMPORT_BUFFER.
  int export_pages(std::shared_ptr<Pages> pages);

  class State;

 private:
  explicit Kernel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace medlar::driver
