// SPDX-License-Identifier: Apache-2.0
// What the conformance suite asks of a port of the driver core: queues, tasks, faults on request, time.
#pragma once

#include "driver/client.hpp"

#include <memory>
#include <string>
#include <vector>

namespace medlar::driver::test {

struct PortCounters {
  uint64_t submitted = 0, completed = 0, failed = 0, resets = 0, timeouts = 0, spurious = 0, power_ups = 0,
           clock_enables = 0;
};

class Port {
 public:
  virtual ~Port() = default;

  /// Of the port's chip.
  virtual uint32_t atom() const = 0;
  /// A number for the calls below.
  virtual int open_context(uint32_t priority) = 0;
  virtual void kill_context(int context) = 0;
  /// A task on two buffers of one cube each (addresses 5 and 6). Its number, or a negative errno.
  virtual int submit(int context, TaskBuilder& builder, const std::vector<int>& after = {}, uint64_t timeout_ns = 0) = 0;
  /// How it ended.
  virtual int wait(int task) = 0;
  /// Numbers of the tasks in the order in which they ended; empty when the port cannot tell.
  virtual std::vector<int> order() const = 0;
  /// Of the last failure in a context.
  virtual medlar_query_error reason(int context) = 0;
  virtual void inject(const FaultInjection& fault) = 0;
  /// Nothing starts until released; what is submitted meanwhile queues up.
  virtual void hold() = 0;
  virtual void release() = 0;
  virtual PortCounters counters() = 0;
  /// Device time without work.
  virtual void idle(uint64_t ns) = 0;
  /// 0, or why a place for a network was refused.
  virtual int add_loadable(int context) = 0;
  /// A fresh context copies a cube; true when every byte is right.
  virtual bool infers_correctly() = 0;
  /// Bytes, pages, fences, contexts that are still there once all contexts are closed.
  virtual uint64_t leftovers() = 0;
  /// The module below the port; null when the port has none.
  virtual Kernel* kernel() { return nullptr; }
  virtual Client* client(int) { return nullptr; }
};

struct PortEntry {
  const char* name;
  std::unique_ptr<Port> (*make)();
};

/// Every port that the suite runs on.
const std::vector<PortEntry>& ports();

/// One SDP operation that passes a cube through, `count` times.
TaskBuilder copies(uint32_t atom, int count = 1);

struct ConformanceCase {
  const char* name;
  void (*run)(Port& port);
};
const std::vector<ConformanceCase>& scheduling_cases();
const std::vector<ConformanceCase>& fault_cases();

}  // namespace medlar::driver::test
