// SPDX-License-Identifier: Apache-2.0
// The power domain of a core.
#include "soc/power.hpp"

namespace medlar::soc {

std::string_view power_state_name(PowerState state) {
  static constexpr std::array<std::string_view, kPowerStates> kNames = {"off", "clock-gated", "on"};
  return kNames[static_cast<size_t>(state)];
}

void PowerDomain::set(PowerState state, uint64_t now_ns) {
  const std::lock_guard lock(mutex_);
  stats_.power_ups += stats_.state == PowerState::kOff && state != PowerState::kOff ? 1 : 0;
  stats_.clock_enables += stats_.state == PowerState::kGated && state == PowerState::kOn ? 1 : 0;
  stats_.residency_ns[static_cast<size_t>(stats_.state)] += now_ns - since_ns_;
  stats_.state = state;
  state_ = state;
  since_ns_ = now_ns;
}

PowerStats PowerDomain::stats(uint64_t now_ns) const {
  const std::lock_guard lock(mutex_);
  PowerStats result = stats_;
  result.residency_ns[static_cast<size_t>(stats_.state)] += now_ns > since_ns_ ? now_ns - since_ns_ : 0;
  return result;
}

}  // namespace medlar::soc
