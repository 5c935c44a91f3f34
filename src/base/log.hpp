// SPDX-License-Identifier: Apache-2.0
// Where libraries send what a person may want to read. The caller supplies the sink; the default drops everything.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace medlar {

enum class Severity : uint8_t { kVerbose, kInfo, kWarning, kError };

/// Receives one line (no newline). Called from any thread; must be thread-safe.
using LogSink = std::function<void(Severity, std::string_view)>;

/// A sink that drops every line.
LogSink null_log_sink();

/// Reports progress of long work: `done` of `total` units of `what`. Called from the working thread.
using ProgressSink = std::function<void(std::string_view what, uint64_t done, uint64_t total)>;

}  // namespace medlar
