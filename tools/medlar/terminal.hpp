// SPDX-License-Identifier: Apache-2.0
// What only a terminal can show: progress lines and pictures.
#pragma once

#include <string>

#include "base/log.hpp"
#include "sample/image.hpp"

namespace medlar::tools {

/// One line on standard error, redrawn at most ten times a second, once the work has lasted a second; silent when standard
/// error is no terminal.
ProgressSink terminal_progress();

/// Notices and warnings on standard error.
LogSink terminal_log(bool verbose);

/// The picture as text, two pixels a character (upper half blocks, 24-bit colour), at most `columns` wide.
Result<std::string> picture(const sample::Image& image, int columns);

}  // namespace medlar::tools
