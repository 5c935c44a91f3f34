// SPDX-License-Identifier: Apache-2.0
// Where INT8 should saturate: a few outliers cost less clipped than the resolution that they would take from the rest.
#include <algorithm>
#include <cmath>

#include "compiler/calibration.hpp"

namespace medlar::compiler {
namespace {

constexpr int kLevels = 127;
constexpr size_t kFirstBins = kHistogramBins / 16;  ///< Never clip to less than a sixteenth of the range.
constexpr size_t kStepBins = 8;

/// Mean squared error of a uniform value in a step of that width.
double rounding_error(double step) {
  return step * step / 12.0;
}

/// Sums over the bins from `first` on, of counts and of powers of their centres.
struct Tail {
  double count = 0, linear = 0, square = 0;
};

}  // namespace

void count(TensorRange& range, std::span<const float> samples) {
  const float largest = std::max(std::fabs(range.min), std::fabs(range.max));
  if (largest <= 0.0f) {
    return;
  }
  range.histogram.resize(kHistogramBins);
  range.bin_width = largest / static_cast<float>(kHistogramBins);
  for (const float sample : samples) {
    if (sample != 0.0f) {
      const auto bin = static_cast<size_t>(std::fabs(sample) / range.bin_width);
      range.histogram[std::min(bin, kHistogramBins - 1)]++;
    }
  }
}

float least_error_reach(const TensorRange& range) {
  const size_t bins = range.histogram.size();
  const double width = range.bin_width;
  double total = 0;
  for (const uint64_t hits : range.histogram) {
    total += static_cast<double>(hits);
  }
  Tail tail;  // values beyond the threshold
  double best_error = total * rounding_error(width * static_cast<double>(bins) / kLevels);
  size_t best = bins;
  for (size_t kept = bins; kept-- > std::min(kFirstBins, bins);) {
    const double centre = (static_cast<double>(kept) + 0.5) * width;
    const auto hits = static_cast<double>(range.histogram[kept]);
    tail.count += hits;
    tail.linear += hits * centre;
    tail.square += hits * centre * centre;
    if (kept % kStepBins != 0) {
      continue;
    }
    const double reach = static_cast<double>(kept) * width;
    const double clipped = tail.square - 2 * reach * tail.linear + reach * reach * tail.count;
    const double error = clipped + (total - tail.count) * rounding_error(reach / kLevels);
    if (error < best_error) {
      best_error = error;
      best = kept;
    }
  }
  return static_cast<float>(static_cast<double>(best) * width);
}

}  // namespace medlar::compiler
