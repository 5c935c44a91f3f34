// SPDX-License-Identifier: Apache-2.0
#include "api/public/log.hpp"

#include "medlar/calibrator.hpp"
#include "medlar/runtime.hpp"
#include "medlar/version.hpp"

namespace medlar {

Logger::~Logger() = default;
Calibrator::~Calibrator() = default;
Profiler::~Profiler() = default;

const char* version() noexcept {
  return MEDLAR_VERSION;
}

namespace door {

void log(Logger& logger, LogLevel level, std::string_view message) noexcept {
  try {
    logger.log(level, message);
  } catch (...) {
    return;
  }
}

LogSink sink_to(Logger& logger) {
  return [&logger](Severity severity, std::string_view line) {
    const LogLevel level = severity == Severity::kError
                               ? LogLevel::kError
                               : (severity == Severity::kWarning
                                      ? LogLevel::kWarning
                                      : (severity == Severity::kInfo ? LogLevel::kInfo : LogLevel::kVerbose));
    log(logger, level, line);
  };
}

}  // namespace door
}  // namespace medlar
