// SPDX-License-Identifier: Apache-2.0
// A chip without arithmetic for tests of the driver core: register groups, enables, chains and interrupts.
#pragma once

#include "driver/core/device.h"
#include "driver/core/registers.h"
#include "driver/sim/kernel.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace medlar::driver::test {

/// Behaves like the real one where the driver can see it; refuses writes to a group that is enabled.
class FakeChip {
 public:
  explicit FakeChip(const dla_config& config) : config_(config) { reset(); }

  int read(uint32_t address, uint32_t* value);
  int write(uint32_t address, uint32_t value);
  void reset();
  /// Runs the oldest chain whose units are all enabled; false when there is none.
  bool step();
  bool interrupt() const { return (status_ & ~mask_) != 0; }

  /// Names of the engines of each executed chain, e.g. "CONV0+SDP0".
  std::vector<std::string> executed;
  /// Last value of a unit's register, by group.
  uint32_t word(dla_unit unit, int group, uint32_t offset) const {
    return units_[unit].words[group].at(offset);
  }
  uint64_t lut_writes = 0;
  uint32_t status_ = 0;
  /// Chains from this one on never finish.
  size_t hang_after = ~size_t{0};

  /// The chip executes nothing until it is reset.
  bool stuck = false;

 private:
  struct Unit {
    int producer = 0;
    int consumer = 0;
    bool enabled[2] = {false, false};
    std::map<uint32_t, uint32_t> words[2];
  };
  bool ready(dla_unit unit) const { return units_[unit].enabled[units_[unit].consumer]; }
  void finish(dla_unit unit);
  bool run_conv();
  bool run_from_memory(dla_unit unit, dla_unit rdma, bool has_rdma, const char* name, uint32_t done_bit);
  bool run_bdma();
  bool sdp_ready(bool flying) const;
  bool chain_pdp(std::string& name);
  bool sdp_reads() const;

  dla_config config_;
  std::array<Unit, DLA_UNIT_COUNT> units_;
  uint32_t mask_ = 0;
  bool launched_[2] = {false, false};
};

/// A device on a fake chip and plain memory.
class FakeSystem {
 public:
  explicit FakeSystem(const dla_config& config);

  dla_port port();
  /// Runs queued tasks to their ends.
  void run();
  /// Runs one; false when none may run.
  bool run_one();

  FakeChip chip;
  dla_config config;
  dla_device device{};
  struct Ended {
    uint64_t serial;
    int status;
    medlar_query_error reason;
    void* cookie;
  };
  std::vector<Ended> ended;
  int64_t live_bytes = 0;
  int fail_allocation = -1;  ///< The n-th allocation from now fails.
  uint64_t now_ns = 0;
  dla_power power = DLA_POWER_OFF;
  std::vector<dla_power> power_history;
  uint64_t step_ns = 0;
  FaultInjection injected;  ///< Acts on the next occasion, then disarms.
  std::mutex mutex;
};

/// Everything the open nv_full has.
dla_config full_config();
/// INT8, map 2, 8-byte atoms, no options.
dla_config small_config();

}  // namespace medlar::driver::test
