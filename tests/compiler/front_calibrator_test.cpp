// SPDX-License-Identifier: Apache-2.0
// Each calibrator against its definition, written out slowly.
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "compiler/calibrator.hpp"
#include "compiler/quantise/scales.hpp"

namespace medlar::compiler::test {
namespace {

constexpr size_t kBins = kHistogramBins;

/// Half normal with a long tail, or the same folded to both signs.
TensorRange sampled(uint32_t seed, bool both_signs, double tail) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values;
  for (int i = 0; i < 20000; ++i) {
    const float value = normal(random) * (i % 500 == 0 ? static_cast<float>(tail) : 1.0f);
    values.push_back(both_signs ? value : std::max(0.0f, value));
  }
  TensorRange range;
  EXPECT_TRUE(accumulate(range, values, 4));
  return range;
}

/// Migacz, "8-bit inference with TensorRT", bin by bin.
double slow_divergence(const std::vector<uint64_t>& histogram, size_t bins) {
  std::vector<double> p(histogram.begin(), histogram.begin() + static_cast<std::ptrdiff_t>(bins));
  std::vector<double> q(bins, 0.0);
  for (size_t level = 0; level < 128; ++level) {
    const size_t begin = level * bins / 128;
    const size_t end = (level + 1) * bins / 128;
    double sum = 0;
    int occupied = 0;
    for (size_t i = begin; i < end; ++i) {
      sum += p[i];
      occupied += p[i] > 0 ? 1 : 0;
    }
    for (size_t i = begin; i < end; ++i) {
      q[i] = p[i] > 0 ? sum / occupied : 0.0;
    }
  }
  for (size_t i = bins; i < histogram.size(); ++i) {
    p[bins - 1] += static_cast<double>(histogram[i]);
  }
  double p_sum = 0;
  double q_sum = 0;
  for (size_t i = 0; i < bins; ++i) {
    p_sum += p[i];
    q_sum += q[i];
  }
  double distance = 0;
  for (size_t i = 0; i < bins; ++i) {
    if (p[i] > 0) {
      distance += q[i] > 0 ? p[i] / p_sum * std::log(p[i] / p_sum / (q[i] / q_sum)) : INFINITY;
    }
  }
  return distance;
}

TEST(Calibrator, EntropyIsTheSlowOne) {
  for (const uint32_t seed : {1u, 2u, 3u}) {
    const TensorRange range = sampled(seed, seed == 3, 4.0 * seed);
    size_t best = kBins;
    double least = INFINITY;
    for (size_t bins = 128; bins <= kBins; ++bins) {
      const double distance = slow_divergence(range.histogram, bins);
      if (distance < least - 1e-12) {
        least = distance;
        best = bins;
      }
    }
    const float reach = calibrated_reach(range, {Calibrator::kEntropy, 0});
    const double largest = std::max(std::fabs(range.min), std::fabs(range.max));
    EXPECT_NEAR(reach, std::min(largest, static_cast<double>(best) * range.bin_width), 1e-5 * largest) << seed;
    EXPECT_LT(reach, largest);
  }
}

TEST(Calibrator, MseLeavesNoBetterReach) {
  const TensorRange range = sampled(7, false, 20);
  const float reach = calibrated_reach(range, {Calibrator::kMse, 0});
  const double error = quantisation_error(range, reach);
  const double largest = std::max(std::fabs(range.min), std::fabs(range.max));
  for (double other = largest / 16; other <= largest; other *= 1.01) {
    EXPECT_GE(quantisation_error(range, other), error * 0.98) << other;
  }
  TensorRange outlier;
  std::vector<float> values(100000, 0.0f);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i) / 100000.0f;
  }
  values[0] = 10.0f;
  ASSERT_TRUE(accumulate(outlier, values, 0));
  EXPECT_LT(calibrated_reach(outlier, {Calibrator::kMse, 0}), 9.5f) << "the outlier is clipped";
}

TEST(Calibrator, PercentileKeepsItsPart) {
  TensorRange range;
  std::vector<float> values(10000);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i + 1) / 10000.0f;
  }
  ASSERT_TRUE(accumulate(range, values, 0));
  EXPECT_NEAR(calibrated_reach(range, {Calibrator::kPercentile, 99}), 0.99, 0.001);
  EXPECT_NEAR(calibrated_reach(range, {Calibrator::kPercentile, 90}), 0.90, 0.001);
  EXPECT_FLOAT_EQ(calibrated_reach(range, {Calibrator::kPercentile, 100}), 1.0f);
  EXPECT_FLOAT_EQ(calibrated_reach(range, {Calibrator::kMaximum, 0}), 1.0f);
}

TEST(Calibrator, ZerosCountForThePercentileAlone) {
  TensorRange range;
  std::vector<float> values(1000, 0.0f);
  values[0] = 1.0f;
  values[1] = 0.5f;
  ASSERT_TRUE(accumulate(range, values, 0));
  EXPECT_EQ(range.values, 1000u);
  EXPECT_LE(calibrated_reach(range, {Calibrator::kPercentile, 99.5}), 0.01f);
}

TEST(Calibrator, HistogramsGrowWithoutLosingValues) {
  TensorRange range;
  for (const float scale : {1.0f, 3.0f, 0.1f, 50.0f}) {
    const float values[] = {scale, -scale, 0.5f * scale, 0.0f};
    ASSERT_TRUE(accumulate(range, values, 2));
  }
  uint64_t all = 0;
  uint64_t negative = 0;
  for (size_t i = 0; i < kBins; ++i) {
    all += range.histogram[i];
    negative += range.negatives[i];
  }
  EXPECT_EQ(all, 12u);
  EXPECT_EQ(negative, 4u);
  EXPECT_EQ(range.values, 16u);
  EXPECT_GE(range.bin_width * kBins, 50.0f);
  ASSERT_EQ(range.channels.size(), 2u);
  EXPECT_EQ(range.channels[0].min, -50.0f);
  EXPECT_EQ(range.channels[1].max, 25.0f);
  EXPECT_NEAR(range.channels[1].sum, 0.5 * 54.1, 1e-4);
}

TEST(Calibrator, NamesRoundTrip) {
  for (const Calibrator kind : {Calibrator::kBest, Calibrator::kEntropy, Calibrator::kMse, Calibrator::kPercentile, Calibrator::kMaximum}) {
    EXPECT_EQ(find_calibrator(calibrator_name(kind)), kind);
  }
  EXPECT_FALSE(find_calibrator("kl"));
}

TEST(Calibrator, RoundingUsesTheZeroPoint) {
  const TensorRange positive{.min = 0.0f, .max = 2.55f};
  std::vector<float> values{0.0f, 0.014f, 2.55f, 3.0f, -1.0f};
  round_like_int8(positive, values);
  EXPECT_NEAR(values[1], 0.01f, 1e-6);
  EXPECT_NEAR(values[2], 2.55f, 1e-6);
  EXPECT_NEAR(values[3], 2.55f, 1e-6);
  EXPECT_EQ(values[4], 0.0f);
}

}  // namespace
}  // namespace medlar::compiler::test
