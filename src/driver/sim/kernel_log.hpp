// SPDX-License-Identifier: Apache-2.0
// The kernel's log: what dmesg would print, stamped with modelled device time.
#pragma once

#include "base/log.hpp"

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace medlar::driver {

struct LogLine {
  uint64_t time_ns = 0;  ///< Modelled device time since boot.
  Severity severity = Severity::kInfo;
  std::string text;  ///< "nvdla 15880000.nvdla0: probed"
};

/// "[    1.234567] nvdla 15880000.nvdla0: probed"
std::string to_string(const LogLine& line);

/// Thread-safe. Keeps the newest lines and passes every line on.
class KernelLog {
 public:
  explicit KernelLog(LogSink sink) : sink_(std::move(sink)) {}

  void add(LogLine line);
  std::vector<LogLine> lines() const;
  /// Lines that were dropped to make room.
  uint64_t dropped() const;

 private:
  static constexpr size_t kMax = 4096;
  LogSink sink_;
  mutable std::mutex mutex_;
  std::deque<LogLine> lines_;
  uint64_t dropped_ = 0;
};

}  // namespace medlar::driver
