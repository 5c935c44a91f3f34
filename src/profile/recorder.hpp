// SPDX-License-Identifier: Apache-2.0
// Collects what the cores of a module execute, with each operation's modelled time, until the inference that
// caused it asks for it.
#pragma once

#include "driver/sim/kernel.hpp"
#include "hw/device.hpp"
#include "timing/machine.hpp"
#include "timing/work.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace medlar::profile {

/// One executed operation (or on-the-fly chain) of a task.
struct RecordedOp {
  uint32_t op_index = 0;               ///< First operation of the chain, in its task.
  std::vector<uint32_t> part_indices;  ///< All operations of the chain.
  std::string unit;                    ///< "CONV+SDP+PDP".
  timing::OpTime time;
  bool timed = false;  ///< False: no formula covers it, time is zero.
};

/// Thread-safe. Keeps the last kKeptTasks tasks of each core; what nobody asked for by then is dropped.
class Recorder {
 public:
  explicit Recorder(const hw::DeviceProfile& device);
  Recorder(const hw::DeviceProfile& device, const hw::PowerMode& mode);

  /// On a core's thread, as the kernel's observer.
  void record(const driver::CompletedOp& op);
  /// The operations of a task in the order of execution; forgets them.
  std::vector<RecordedOp> take(uint32_t core, uint64_t serial);
  const timing::Machine& machine() const { return machine_; }
  double milliseconds(uint64_t cycles) const {
    return 1e3 * static_cast<double>(cycles) / static_cast<double>(machine_.hz);
  }

  static constexpr size_t kKeptTasks = 1024;

 private:
  const hw::HwConfig& config_;
  timing::Machine machine_;
  std::mutex mutex_;
  std::map<std::pair<uint32_t, uint64_t>, std::vector<RecordedOp>> tasks_;
};

}  // namespace medlar::profile
