// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

namespace medlar {

LogSink null_log_sink() {
  return [](Severity, std::string_view) {};
}

}  // namespace medlar
