// SPDX-License-Identifier: Apache-2.0
// What the tests of the public API share: a logger that keeps its lines, the digits model, engines of it.
#pragma once

#include "medlar/medlar.hpp"

#include <mutex>
#include <string>
#include <vector>

namespace medlar::test {

class KeepingLogger final : public Logger {
 public:
  void log(LogLevel level, std::string_view message) override;
  /// Lines of that level or worse.
  std::vector<std::string> lines(LogLevel level) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<LogLevel, std::string>> lines_;
};

std::string digits_model();

/// An engine of the digits model for the process's device, FP16 on the DLA with fallback.
std::vector<std::byte> digits_engine(Logger& logger);

/// The number of the largest of the scores.
int best_of(const std::vector<float>& scores);

/// A picture with a filled rectangle.
std::vector<float> picture(int left, int right);

/// One inference through run().
std::vector<float> classify(ExecutionContext& context, const std::vector<float>& image);

inline Span<const std::byte> bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const std::byte*>(values.data()), values.size() * sizeof(float)};
}
inline Span<std::byte> bytes_of(std::vector<float>& values) {
  return {reinterpret_cast<std::byte*>(values.data()), values.size() * sizeof(float)};
}

}  // namespace medlar::test
