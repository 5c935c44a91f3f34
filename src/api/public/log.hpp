// SPDX-License-Identifier: Apache-2.0
// Messages to the caller's logger. Private to this folder.
#pragma once

#include "base/log.hpp"
#include "medlar/logger.hpp"

#include <string_view>

namespace medlar::door {

/// What the logger throws is dropped: a message is no reason to fail.
void log(Logger& logger, LogLevel level, std::string_view message) noexcept;

/// A sink for the layers below.
LogSink sink_to(Logger& logger);

}  // namespace medlar::door
