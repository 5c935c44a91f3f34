// SPDX-License-Identifier: Apache-2.0
// The power domain and clock gate of a core, with what they did so far. Times are device time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace medlar::soc {

enum class PowerState : uint8_t {
  kOff,    ///< Power-gated: registers are lost, no access.
  kGated,  ///< Clock-gated: registers keep their values, no access.
  kOn,
};
inline constexpr size_t kPowerStates = 3;

/// "off", "clock-gated", "on".
std::string_view power_state_name(PowerState state);

struct PowerStats {
  PowerState state = PowerState::kOff;
  uint64_t power_ups = 0;      ///< Off to on.
  uint64_t clock_enables = 0;  ///< Clock-gated to on.
  std::array<uint64_t, kPowerStates> residency_ns = {};
};

/// Thread-safe.
class PowerDomain {
 public:
  explicit PowerDomain(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  void set(PowerState state, uint64_t now_ns);
  PowerState state() const { return state_; }
  /// As of `now_ns`.
  PowerStats stats(uint64_t now_ns) const;

 private:
  std::string name_;
  std::atomic<PowerState> state_{PowerState::kOff};
  mutable std::mutex mutex_;  ///< Of the statistics.
  PowerStats stats_;
  uint64_t since_ns_ = 0;
};

}  // namespace medlar::soc
