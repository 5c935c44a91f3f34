// SPDX-License-Identifier: Apache-2.0
#include "compiler/quantise/correlated_rounding.hpp"

#include "base/parallel.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace medlar::compiler {
namespace {

/// Part of the mean power that every direction has at least: few samples say little about rare ones.
constexpr double kDamping = 0.1;
/// Kernels that share one pass over the factor.
constexpr size_t kBatch = 8;

/// R, upper triangular, with R R^T the given symmetric matrix (its lower triangle counts); damped until it
/// exists.
class Factor {
 public:
  Factor(size_t size, std::vector<double> matrix) : size_(size), rows_(size * size) {
    double power = 0.0;
    for (size_t i = 0; i < size; ++i) {
      power += matrix[i * size + i] / static_cast<double>(size);
    }
    if (!std::isfinite(power)) {  // squares beyond float's range say nothing: nearest rounding
      for (size_t i = 0; i < size; ++i) {
        rows_[i * size + i] = 1.0f;
      }
      return;
    }
    for (double damping = kDamping; !decompose(matrix, damping * std::max(power, 1e-30)); damping *= 10.0) {
    }
  }

  const float* row(size_t i) const { return rows_.data() + i * size_; }

 private:
  /// The lower factor of the matrix read backwards is R read backwards.
  bool decompose(const std::vector<double>& matrix, double damping) {
    std::vector<double> lower(size_ * size_, 0.0);
    for (size_t i = 0; i < size_; ++i) {
      for (size_t j = 0; j <= i; ++j) {
        // Element (size - 1 - i, size - 1 - j) of the matrix: the transposed one lies in its lower triangle.
        double sum = matrix[(size_ - 1 - j) * size_ + (size_ - 1 - i)] + (i == j ? damping : 0.0);
        for (size_t p = 0; p < j; ++p) {
          sum -= lower[i * size_ + p] * lower[j * size_ + p];
        }
        if (i == j && !(sum > 0.0)) {
          return false;
        }
        lower[i * size_ + j] = i == j ? std::sqrt(sum) : sum / lower[j * size_ + j];
      }
    }
    for (size_t i = 0; i < size_; ++i) {
      for (size_t j = i; j < size_; ++j) {
        rows_[i * size_ + j] = static_cast<float>(lower[(size_ - 1 - i) * size_ + (size_ - 1 - j)]);
      }
    }
    return true;
  }

  size_t size_;
  std::vector<float> rows_;
};

double scale_of(const CorrelatedKernels& kernels, size_t channel) {
  return kernels.channel_scale.empty() ? 1.0 : static_cast<double>(kernels.channel_scale[channel]);
}

double product_of(const CorrelatedKernels& kernels, size_t a, size_t b) {
  const size_t i = kernels.first_channel + std::max(a, b);
  const size_t j = kernels.first_channel + std::min(a, b);
  const double sum = static_cast<double>(kernels.moments.products[i * kernels.moments.channels + j]);
  return sum / scale_of(kernels, a) / scale_of(kernels, b);
}

Factor factor_of_taps(const CorrelatedKernels& kernels) {
  const ConvLayer& conv = kernels.conv;
  const auto taps = static_cast<size_t>(conv.r) * static_cast<size_t>(conv.s);
  std::vector<double> likeness(taps * taps);
  for (size_t a = 0; a < taps; ++a) {
    for (size_t b = 0; b < taps; ++b) {
      const int dy = (static_cast<int>(a) / conv.s - static_cast<int>(b) / conv.s) * conv.dilation_y;
      const int dx = (static_cast<int>(a) % conv.s - static_cast<int>(b) % conv.s) * conv.dilation_x;
      likeness[a * taps + b] = kernels.moments.likeness(dy, dx);
    }
  }
  return {taps, std::move(likeness)};
}

/// For each channel whether a kernel has weights on it.
std::vector<bool> reads_of(const ConvLayer& conv, size_t kernel) {
  const auto count = static_cast<size_t>(conv.c);
  const size_t taps = conv.weights.size() / static_cast<size_t>(conv.k) / count;
  const auto* weights = conv.weights.data() + kernel * count * taps;
  std::vector<bool> reads(count);
  for (size_t c = 0; c < count; ++c) {
    reads[c] = std::any_of(weights + c * taps, weights + (c + 1) * taps, [](float weight) { return weight != 0.0f; });
  }
  return reads;
}

/// The channels set in `reads`, the strongest first.
std::vector<size_t> by_strength(const CorrelatedKernels& kernels, const std::vector<bool>& reads) {
  std::vector<size_t> channels;
  for (size_t c = 0; c < reads.size(); ++c) {
    if (reads[c]) {
      channels.push_back(c);
    }
  }
  std::stable_sort(channels.begin(), channels.end(),
                   [&](size_t a, size_t b) { return product_of(kernels, a, a) > product_of(kernels, b, b); });
  return channels;
}

Factor factor_of_channels(const CorrelatedKernels& kernels, const std::vector<size_t>& channels) {
  const size_t size = channels.size();
  std::vector<double> matrix(size * size);
  for (size_t i = 0; i < size; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      matrix[i * size + j] = product_of(kernels, channels[i], channels[j]);
    }
  }
  return {size, std::move(matrix)};
}

/// Kernels [first, first + count) of one run.
class Walk {
 public:
  Walk(const CorrelatedKernels& kernels, const Factor& by_channel, const Factor& by_tap,
       const std::vector<size_t>& channels, size_t first, size_t count)
      : kernels_(kernels),
        by_channel_(by_channel),
        by_tap_(by_tap),
        channels_(channels),
        first_(first),
        count_(count),
        taps_(kernels.conv.weights.size() / static_cast<size_t>(kernels.conv.k) /
              static_cast<size_t>(kernels.conv.c)),
        pulls_(count * taps_ * channels.size()),
        moves_(count * taps_) {}

  void run(std::vector<float>& levels) {
    for (size_t i = 0; i < channels_.size(); ++i) {
      for (size_t n = 0; n < count_; ++n) {
        round_channel(i, n, levels);
      }
      for (size_t n = 0; n < count_; ++n) {
        spread(i, n);
      }
    }
  }

 private:
  float* pulls(size_t n, size_t tap) { return pulls_.data() + (n * taps_ + tap) * channels_.size(); }

  /// Rounds the taps of one channel; moves_ receives what their errors do, by tap, to the channels behind.
  void round_channel(size_t i, size_t n, std::vector<float>& levels) {
    const size_t kernel = first_ + n;
    const auto own = static_cast<double>(by_channel_.row(i)[i]);
    float* moves = moves_.data() + n * taps_;
    std::fill(moves, moves + taps_, 0.0f);
    for (size_t t = 0; t < taps_; ++t) {
      const size_t at = (kernel * static_cast<size_t>(kernels_.conv.c) + channels_[i]) * taps_ + t;
      const auto exact = static_cast<double>(kernels_.conv.weights[at]) / kernels_.step[kernel];
      const double pulled = static_cast<double>(pulls(n, t)[i]) + own * static_cast<double>(moves[t]);
      const double target = exact - pulled / (own * static_cast<double>(by_tap_.row(t)[t]));
      const double level =
          exact == 0.0 ? 0.0 : std::clamp(std::round(target), -kernels_.limit, kernels_.limit);
      levels[at] = static_cast<float>(level);
      const auto error = static_cast<float>(level - exact);
      for (size_t later = t; later < taps_; ++later) {
        moves[later] += by_tap_.row(t)[later] * error;
      }
    }
  }

  void spread(size_t i, size_t n) {
    const float* row = by_channel_.row(i);
    for (size_t t = 0; t < taps_; ++t) {
      const float move = moves_[n * taps_ + t];
      float* pull = pulls(n, t);
      for (size_t j = i + 1; j < channels_.size(); ++j) {
        pull[j] += move * row[j];
      }
    }
  }

  const CorrelatedKernels& kernels_;
  const Factor& by_channel_;
  const Factor& by_tap_;
  const std::vector<size_t>& channels_;
  size_t first_, count_, taps_;
  std::vector<float> pulls_, moves_;
};

/// Kernels [first, first + count), each of which reads channels of those before it: those of one group, whatever single
/// weights are zero. They share a factor, whose cost is the third power of the channels.
struct Run {
  size_t first = 0, count = 0;
  std::vector<bool> reads;
};

bool overlap(const std::vector<bool>& a, const std::vector<bool>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), false, std::logical_or<>(), std::logical_and<>());
}

std::vector<Run> runs_of(const ConvLayer& conv) {
  std::vector<Run> runs;
  for (size_t k = 0; k < static_cast<size_t>(conv.k); ++k) {
    std::vector<bool> reads = reads_of(conv, k);
    if (runs.empty() || !overlap(runs.back().reads, reads)) {
      runs.push_back({k, 1, std::move(reads)});
      continue;
    }
    Run& run = runs.back();
    run.count++;
    std::transform(reads.begin(), reads.end(), run.reads.begin(), run.reads.begin(), std::logical_or<>());
  }
  return runs;
}

}  // namespace

std::vector<float> round_correlated(const CorrelatedKernels& kernels) {
  std::vector<float> levels(kernels.conv.weights.size(), 0.0f);
  const Factor by_tap = factor_of_taps(kernels);
  for (const Run& run : runs_of(kernels.conv)) {
    const std::vector<size_t> channels = by_strength(kernels, run.reads);
    const Factor by_channel = factor_of_channels(kernels, channels);
    const auto batches = static_cast<int64_t>((run.count + kBatch - 1) / kBatch);
    parallel_for(batches, 1, [&](int64_t begin, int64_t end) {
      for (auto batch = static_cast<size_t>(begin); batch < static_cast<size_t>(end); ++batch) {
        const size_t first = batch * kBatch;
        Walk(kernels, by_channel, by_tap, channels, run.first + first,
             std::min(kBatch, run.count - first))
            .run(levels);
      }
    });
  }
  return levels;
}

}  // namespace medlar::compiler
