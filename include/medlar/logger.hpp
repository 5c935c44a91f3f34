// SPDX-License-Identifier: Apache-2.0
// Where messages for people go.
#pragma once

#include "medlar/export.hpp"

#include <string_view>

namespace medlar {

enum class LogLevel : int { kInternalError, kError, kWarning, kInfo, kVerbose };

/// Derive from it. Called from any thread that calls the API; what log() throws is dropped. A logger outlives
/// every object that was made with it.
class MEDLAR_API Logger {
 public:
  virtual ~Logger();
  virtual void log(LogLevel level, std::string_view message) = 0;
};

}  // namespace medlar
