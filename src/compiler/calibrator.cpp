// SPDX-License-Identifier: Apache-2.0
// The calibrators. All work on the histogram of magnitudes; a tensor that is mostly of one sign has twice the levels,
// because its zero point moves (scales.hpp), which the squared error takes into account.
#include "compiler/calibrator.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/parallel.hpp"

namespace medlar::compiler {
namespace {

constexpr size_t kLevels = 128;      ///< Of the entropy calibrator.
constexpr size_t kFirstBins = kHistogramBins / 16;  ///< The squared error never clips to less than a sixteenth.
constexpr size_t kStepBins = 8;

constexpr std::array<std::pair<Calibrator, std::string_view>, 5> kNames{{{Calibrator::kBest, "best"},
                                                                         {Calibrator::kEntropy, "entropy"},
                                                                         {Calibrator::kMse, "mse"},
                                                                         {Calibrator::kPercentile, "percentile"},
                                                                         {Calibrator::kMaximum, "max"}}};

double largest_of(const TensorRange& range) {
  return std::max(std::fabs(static_cast<double>(range.min)), std::fabs(static_cast<double>(range.max)));
}

/// Distance of two levels when saturating at `reach`.
double step_of(const TensorRange& range, double reach) {
  const double low = std::max(static_cast<double>(range.min), -reach);
  const double high = std::min(static_cast<double>(range.max), reach);
  return (high - low) / 255.0;
}

/// Running sums of a histogram: entry i covers the bins before i.
struct Sums {
  std::vector<double> count, nonzero, log;  ///< h, [h > 0], h log h

  explicit Sums(const std::vector<uint64_t>& histogram) : count{0.0}, nonzero{0.0}, log{0.0} {
    for (const uint64_t hits : histogram) {
      const auto h = static_cast<double>(hits);
      count.push_back(count.back() + h);
      nonzero.push_back(nonzero.back() + (hits > 0 ? 1.0 : 0.0));
      log.push_back(log.back() + (hits > 0 ? h * std::log(h) : 0.0));
    }
  }
};

/// Divergence of the first `bins` bins (the rest added to their last) from the same in 128 levels, each level's count
/// spread over its occupied bins.
double divergence(const std::vector<uint64_t>& histogram, const Sums& sums, size_t bins) {
  const double total = sums.count.back();
  const double inside = sums.count[bins];
  const double outliers = total - inside;
  const auto last = static_cast<double>(histogram[bins - 1]);
  if (inside <= 0.0 || (outliers > 0.0 && last <= 0.0)) {
    return std::numeric_limits<double>::infinity();  // the levels cannot stand for the outliers at all
  }
  double cross = 0.0;  // sum of p log q, times total
  for (size_t level = 0; level < kLevels; ++level) {
    const size_t begin = level * bins / kLevels;
    const size_t end = (level + 1) * bins / kLevels;
    const double count = sums.count[end] - sums.count[begin];
    if (count > 0.0) {
      const double q = std::log(count / (sums.nonzero[end] - sums.nonzero[begin]) / inside);
      cross += (level + 1 == kLevels ? count + outliers : count) * q;
    }
  }
  double self = sums.log[bins];  // sum of p log p, times total, before normalisation
  if (outliers > 0.0) {
    self += (last + outliers) * std::log(last + outliers) - last * std::log(last);
  }
  return (self - total * std::log(total) - cross) / total;
}

double entropy_reach(const TensorRange& range) {
  const Sums sums(range.histogram);
  const size_t bins = range.histogram.size();
  size_t best = bins;
  double least = std::numeric_limits<double>::infinity();
  for (size_t i = kLevels; i <= bins; ++i) {
    const double distance = divergence(range.histogram, sums, i);
    if (distance < least) {
      least = distance;
      best = i;
    }
  }
  return static_cast<double>(best) * static_cast<double>(range.bin_width);
}

double mse_reach(const TensorRange& range) {
  const double width = range.bin_width;
  double best = largest_of(range);
  double least = quantisation_error(range, best);
  for (size_t bins = kFirstBins; bins <= range.histogram.size(); bins += kStepBins) {
    const double reach = static_cast<double>(bins) * width;
    const double error = quantisation_error(range, reach);
    if (error < least) {
      least = error;
      best = reach;
    }
  }
  return best;
}

double percentile_reach(const TensorRange& range, double percentile) {
  const double outside = (1.0 - percentile / 100.0) * static_cast<double>(range.values);
  double beyond = 0.0;
  for (size_t bin = range.histogram.size(); bin-- > 0;) {
    beyond += static_cast<double>(range.histogram[bin]);
    if (beyond > outside) {
      return static_cast<double>(bin + 1) * static_cast<double>(range.bin_width);
    }
  }
  return static_cast<double>(range.bin_width);
}

}  // namespace

std::string_view calibrator_name(Calibrator calibrator) { return kNames[static_cast<size_t>(calibrator)].second; }

std::optional<Calibrator> find_calibrator(std::string_view name) {
  for (const auto& [calibrator, known] : kNames) {
    if (name == known) {
      return calibrator;
    }
  }
  return std::nullopt;
}

double quantisation_error(const TensorRange& range, double reach) {
  const double width = range.bin_width;
  const double step = step_of(range, reach);
  const auto first = static_cast<size_t>(std::min(reach / width, static_cast<double>(range.histogram.size())));
  double inside = 0.0;
  double clipped = 0.0;
  for (size_t bin = 0; bin < range.histogram.size(); ++bin) {
    const auto hits = static_cast<double>(range.histogram[bin]);
    if (bin < first) {
      inside += hits;
    } else {
      const double beyond = std::max(0.0, (static_cast<double>(bin) + 0.5) * width - reach);
      clipped += hits * beyond * beyond;
    }
  }
  return inside * step * step / 12.0 + clipped;
}

float calibrated_reach(const TensorRange& range, const CalibratorChoice& choice) {
  const double largest = largest_of(range);
  if (range.histogram.empty()) {
    return static_cast<float>(largest);
  }
  double reach = largest;
  switch (choice.kind) {
    case Calibrator::kBest:
    case Calibrator::kMse: reach = mse_reach(range); break;
    case Calibrator::kEntropy: reach = entropy_reach(range); break;
    case Calibrator::kPercentile: reach = percentile_reach(range, choice.percentile); break;
    case Calibrator::kMaximum: break;
  }
  return static_cast<float>(std::min(reach, largest));
}

void apply_calibrator(CalibrationTable& table, const CalibratorChoice& choice) {
  std::vector<TensorRange*> ranges;
  for (auto& [name, range] : table.ranges) {
    if (range.scale == 0.0f) {
      ranges.push_back(&range);
    }
  }
  parallel_for(static_cast<int64_t>(ranges.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      TensorRange& range = *ranges[static_cast<size_t>(i)];
      range.reach = calibrated_reach(range, choice);
    }
  });
}

}  // namespace medlar::compiler
