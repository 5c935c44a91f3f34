// SPDX-License-Identifier: Apache-2.0
// The kernel's log.
#include "driver/sim/kernel_log.hpp"

#include <fmt/format.h>

namespace medlar::driver {

std::string to_string(const LogLine& line) {
  const uint64_t us = line.time_ns / 1000;
  return fmt::format("[{:5}.{:06}] {}", us / 1'000'000, us % 1'000'000, line.text);
}

void KernelLog::add(LogLine line) {
  if (sink_) {
    sink_(line.severity, to_string(line));
  }
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
  if (lines_.size() > kMax) {
    lines_.pop_front();
    ++dropped_;
  }
}

std::vector<LogLine> KernelLog::lines() const {
  const std::lock_guard lock(mutex_);
  return {lines_.begin(), lines_.end()};
}

uint64_t KernelLog::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace medlar::driver
