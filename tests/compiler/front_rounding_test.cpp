// SPDX-License-Identifier: Apache-2.0
// Rounding against second moments, and the moments themselves; equalisation of tensors that pooling and sums
// tie together.
#include "compiler/quantise/correlated_rounding.hpp"
#include "front_graphs.hpp"
#include "hw/config.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace medlar::compiler::test {
namespace {

/// Smooth, positive channels that rise and fall together.
std::vector<float> smooth_channels(std::mt19937& random, size_t channels, size_t height, size_t width) {
  std::uniform_real_distribution<float> uniform(0.0f, 1.0f);
  const float phase = uniform(random);
  std::vector<float> values;
  for (size_t c = 0; c < channels; ++c) {
    const float own = 0.1f * uniform(random);
    for (size_t i = 0; i < height * width; ++i) {
      const auto x = static_cast<float>(i % width), y = static_cast<float>(i / width);
      values.push_back(1.0f + std::sin(0.2f * x + 0.1f * y + 6.0f * phase + own) + 0.1f * uniform(random));
    }
  }
  return values;
}

TEST(Moments, AreThoseOfTheValues) {
  Moments moments;
  const std::vector<float> values{1, 2, 3, 4, 10, 20, 30, 40};
  add_moments(moments, values, 2, 2);
  ASSERT_EQ(moments.channels, 2u);
  EXPECT_FLOAT_EQ(moments.products[0], 30.0f);
  EXPECT_FLOAT_EQ(moments.products[2], 300.0f) << "channel 1 with channel 0";
  EXPECT_FLOAT_EQ(moments.products[3], 3000.0f);
  EXPECT_DOUBLE_EQ(moments.likeness(0, 0), 1.0);
  // Right neighbours: (1*2 + 3*4) * 101 over 4 pairs, beside 30 * 101 over 8.
  EXPECT_NEAR(moments.likeness(0, 1), 14.0 / 4 / (30.0 / 8), 1e-6);
  EXPECT_DOUBLE_EQ(moments.likeness(0, 1), moments.likeness(0, -1));
  EXPECT_DOUBLE_EQ(moments.likeness(0, 5), moments.likeness(0, 1)) << "as far as the plane goes";
  add_moments(moments, values, 4, 1);
  EXPECT_EQ(moments.samples, 1u) << "another shape is not counted";
}

TEST(Moments, OfMoreChannelsThanPayAreNotTaken) {
  Moments moments;
  add_moments(moments, std::vector<float>(kMostCorrelatedChannels + 1, 1.0f), kMostCorrelatedChannels + 1, 1);
  EXPECT_EQ(moments.channels, 0u);
  EXPECT_TRUE(moments.products.empty());
}

ConvLayer random_conv(std::mt19937& random, int kernels, int channels, int taps) {
  ConvLayer conv{.k = kernels, .c = channels, .r = taps, .s = taps};
  std::normal_distribution<float> normal;
  conv.weights.resize(static_cast<size_t>(kernels * channels * taps * taps));
  for (float& weight : conv.weights) {
    weight = normal(random);
  }
  return conv;
}

/// Squared error of the convolution's results on `values`, without padding.
double error_behind(const ConvLayer& conv, const std::vector<float>& levels, double step,
                    const std::vector<float>& values, int height, int width) {
  double error = 0.0;
  for (int k = 0; k < conv.k; ++k) {
    for (int y = 0; y + conv.r <= height; ++y) {
      for (int x = 0; x + conv.s <= width; ++x) {
        double sum = 0.0;
        for (int i = 0; i < conv.c * conv.r * conv.s; ++i) {
          const int c = i / (conv.r * conv.s), dy = i / conv.s % conv.r, dx = i % conv.s;
          const auto at = static_cast<size_t>(k * conv.c * conv.r * conv.s + i);
          const double off = static_cast<double>(levels[at]) * step - static_cast<double>(conv.weights[at]);
          sum +=
              off * static_cast<double>(values[static_cast<size_t>((c * height + y + dy) * width + x + dx)]);
        }
        error += sum * sum;
      }
    }
  }
  return error;
}

TEST(CorrelatedRounding, ErrsLessBehindTheConvolution) {
  for (const int taps : {1, 3}) {
    std::mt19937 random(7);
    Moments moments;
    for (int i = 0; i < 4; ++i) {
      add_moments(moments, smooth_channels(random, 24, 12, 12), 24, 12);
    }
    ConvLayer conv = random_conv(random, 10, 24, taps);
    conv.weights[5] = 0.0f;
    const double step = 0.05;
    const std::vector<double> steps(10, step);
    const std::vector<float> levels = round_correlated(
        {.conv = conv, .moments = moments, .channel_scale = {}, .step = steps, .limit = 127});
    std::vector<float> nearest;
    for (size_t i = 0; i < levels.size(); ++i) {
      EXPECT_EQ(levels[i], std::round(levels[i]));
      EXPECT_LE(std::fabs(levels[i]), 127.0f);
      nearest.push_back(std::clamp(
          std::round(static_cast<float>(static_cast<double>(conv.weights[i]) / step)), -127.0f, 127.0f));
    }
    EXPECT_EQ(levels[5], 0.0f) << "a weight that is not there stays away";
    const std::vector<float> unseen = smooth_channels(random, 24, 12, 12);
    EXPECT_LT(error_behind(conv, levels, step, unseen, 12, 12),
              0.1 * error_behind(conv, nearest, step, unseen, 12, 12))
        << taps;
  }
}

TEST(CorrelatedRounding, KnowsWindowsAndDividedChannels) {
  std::mt19937 random(3);
  Moments moments;
  const std::vector<float> values = smooth_channels(random, 16, 8, 8);
  add_moments(moments, values, 16, 8);
  const ConvLayer conv = random_conv(random, 4, 8, 1);
  const std::vector<double> steps(4, 0.05);
  const std::vector<float> whole = round_correlated({.conv = conv,
                                                     .moments = moments,
                                                     .channel_scale = {},
                                                     .first_channel = 8,
                                                     .step = steps,
                                                     .limit = 127});
  Moments half;
  add_moments(half, std::span(values).subspan(8 * 64), 8, 8);
  half.neighbours = moments.neighbours;
  half.pairs = moments.pairs;
  EXPECT_EQ(whole, round_correlated(
                       {.conv = conv, .moments = half, .channel_scale = {}, .step = steps, .limit = 127}));
  std::vector<float> divided(values.begin() + 8 * 64, values.end());
  std::vector<float> factors;
  for (size_t c = 0; c < 8; ++c) {
    factors.push_back(std::ldexp(1.0f, -static_cast<int>(c)));
    for (size_t i = 0; i < 64; ++i) {
      divided[c * 64 + i] /= factors[c];
    }
  }
  Moments of_divided;
  add_moments(of_divided, divided, 8, 8);
  of_divided.neighbours = moments.neighbours;
  of_divided.pairs = moments.pairs;
  EXPECT_EQ(round_correlated(
                {.conv = conv, .moments = half, .channel_scale = factors, .step = steps, .limit = 127}),
            round_correlated(
                {.conv = conv, .moments = of_divided, .channel_scale = {}, .step = steps, .limit = 127}));
}

/// Weights of kernels whose reach falls by powers of two.
std::vector<float> uneven(GraphBuilder& b, int kernels, int channels) {
  std::vector<float> weights;
  for (int k = 0; k < kernels; ++k) {
    for (int c = 0; c < channels; ++c) {
      weights.push_back(static_cast<float>(b.noise(1, -1, 1)[0] * std::pow(2.0, -(k % 8))));
    }
  }
  return weights;
}

/// conv -> relu -> pool -> depthwise; and the same with a sum of two convolutions.
TEST(Equalise, GoesThroughPoolsAndSums) {
  const std::map<std::string, Attribute> depthwise = {{"group", int64_t{32}}};
  for (const bool sum : {false, true}) {
    GraphBuilder b(sum ? 4 : 9);
    const Shape shape = {1, 32, 6, 6};
    const ValueId x = b.input("x", {1, 8, 6, 6});
    ValueId y = b.node("Conv", "a", {x, b.constant({32, 8, 1, 1}, uneven(b, 32, 8))}, shape);
    if (sum) {
      y = b.node(
          "Add", "sum",
          {y, b.node("Relu", "relu_b",
                     {b.node("Conv", "b", {x, b.constant({32, 8, 1, 1}, uneven(b, 32, 8))}, shape)}, shape)},
          shape);
    }
    y = b.node("Relu", "relu", {y}, shape);
    y = b.node("MaxPool", "pool", {y}, {1, 32, 5, 5}, {{"kernel_shape", std::vector<int64_t>{2, 2}}});
    std::vector<float> taps;
    for (int k = 0; k < 32; ++k) {
      taps.push_back(static_cast<float>(std::pow(2.0, k % 8)));
    }
    b.output(b.node("Conv", "dw", {y, b.constant({32, 1, 1, 1}, taps)}, {1, 32, 5, 5}, depthwise));
    const Outcome outcome =
        run_segment(b, {*hw::find_config("nv_full"), hw::Precision::kInt8}, {{"x", b.noise(288, -1, 1)}});
    int divided = 0;
    for (const HwTensor& tensor : outcome.hardware.tensors) {
      divided += tensor.view_of == kNoTensor && !tensor.channel_scale.empty() ? 1 : 0;
    }
    EXPECT_EQ(divided, sum ? 3 : 2);
    EXPECT_LT(outcome.relative_norm, 0.015) << "one scale for all channels has an error of several percent";
  }
}

}  // namespace
}  // namespace medlar::compiler::test
