// SPDX-License-Identifier: Apache-2.0
#include "terminal.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>

#include <unistd.h>

namespace medlar::tools {
namespace {

using Clock = std::chrono::steady_clock;

struct Pixel {
  int r, g, b;
};

Pixel pixel(const sample::Image& image, int x, int y) {
  const size_t at = (static_cast<size_t>(y) * static_cast<size_t>(image.width) + static_cast<size_t>(x)) *
                    static_cast<size_t>(image.channels);
  const int r = image.pixels[at];
  return image.channels == 1 ? Pixel{r, r, r} : Pixel{r, image.pixels[at + 1], image.pixels[at + 2]};
}

}  // namespace

ProgressSink terminal_progress() {
  if (isatty(STDERR_FILENO) == 0) {
    return {};
  }
  struct Timing {
    Clock::time_point start = Clock::now();
    Clock::time_point last{};
    bool drawn = false;
  };
  const auto timing = std::make_shared<Timing>();
  return [timing](std::string_view what, uint64_t done, uint64_t total) {
    const auto now = Clock::now();
    const bool finished = done >= total;
    const bool due = now - timing->start > std::chrono::seconds(1) && now - timing->last > std::chrono::milliseconds(100);
    if (!(due || (finished && timing->drawn))) {
      return;
    }
    timing->last = now;
    timing->drawn = !finished;
    fmt::print(stderr, "\r\x1b[K{}: {} of {}{}", what, done, total, finished ? "\n" : "");
    std::fflush(stderr);
  };
}

LogSink terminal_log(bool verbose) {
  return [verbose](Severity severity, std::string_view line) {
    if (severity != Severity::kVerbose || verbose) {
      fmt::print(stderr, "{}{}\n", severity >= Severity::kWarning ? "warning: " : "", line);
    }
  };
}

Result<std::string> picture(const sample::Image& image, int columns) {
  const int width = std::min(columns, image.width);
  const int height = std::max(2, image.height * width / image.width / 2 * 2);
  MEDLAR_ASSIGN(const sample::Image small, sample::resize(image, width, height));
  std::string text;
  for (int y = 0; y + 1 < small.height; y += 2) {
    for (int x = 0; x < small.width; ++x) {
      const Pixel upper = pixel(small, x, y);
      const Pixel lower = pixel(small, x, y + 1);
      text += fmt::format("\x1b[38;2;{};{};{}m\x1b[48;2;{};{};{}m\u2580", upper.r, upper.g, upper.b, lower.r, lower.g, lower.b);
    }
    text += "\x1b[0m\n";
  }
  return text;
}

}  // namespace medlar::tools
