// SPDX-License-Identifier: Apache-2.0
#include "digits_network.hpp"

#include "support/test_data.hpp"

#include <algorithm>

namespace medlar::test {

constexpr int kSide = 28;
constexpr size_t kClasses = 10;

void KeepingLogger::log(LogLevel level, std::string_view message) {
  const std::lock_guard lock(mutex_);
  lines_.emplace_back(level, message);
}

std::vector<std::string> KeepingLogger::lines(LogLevel level) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  for (const auto& [of, text] : lines_) {
    if (of <= level) {
      found.push_back(text);
    }
  }
  return found;
}

std::string digits_model() {
  return (source_dir() / "models/digits/digits.onnx").string();
}

std::vector<std::byte> digits_engine(Logger& logger) {
  return buildModel({.model = digits_model()}, logger);
}

int best_of(const std::vector<float>& scores) {
  return static_cast<int>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

std::vector<float> picture(int left, int right) {
  std::vector<float> image(kSide * kSide, 0.0f);
  for (int y = kSide / 7; y < kSide - kSide / 7; ++y) {
    std::fill(image.begin() + y * kSide + left, image.begin() + y * kSide + right, 1.0f);
  }
  return image;
}

std::vector<float> classify(ExecutionContext& context, const std::vector<float>& image) {
  std::vector<float> scores(kClasses);
  context.run({{"image", bytes_of(image)}}, {{"probabilities", bytes_of(scores)}});
  return scores;
}

}  // namespace medlar::test
