// SPDX-License-Identifier: Apache-2.0
// Tiling of convolutions of any size: every output once, from the input that it needs, within the CBUF. Formulas of its own.
#include <random>

#include <gtest/gtest.h>

#include "back_checker.hpp"
#include "compiler/back/conv_tiling.hpp"

namespace medlar::compiler::test {
namespace {

using back::ConvPlan;
using back::ConvShape;
using back::ConvTile;
using back::WeightMode;
using hw::Precision;

struct Layer {
  int w, h, c, k;
  int r = 1, s = 1, stride = 1, pad = 0;
};

ConvShape shape_of(const hw::HwConfig& config, Precision precision, const Layer& x) {
  const auto per = static_cast<int>(config.channels_per_atom(precision));
  // Padding is less than the kernel on each axis (NVDLA programming guide, limitations).
  const int pad_x = std::min(x.pad, x.s - 1), pad_y = std::min(x.pad, x.r - 1);
  return {.w = x.w,
          .h = x.h,
          .c = x.c,
          .out_w = (x.w + 2 * pad_x - x.s) / x.stride + 1,
          .out_h = (x.h + 2 * pad_y - x.r) / x.stride + 1,
          .k = x.k,
          .r = x.r,
          .s = x.s,
          .stride_x = x.stride,
          .stride_y = x.stride,
          .pad_left = pad_x,
          .pad_top = pad_y,
          .precision = precision,
          .kernel_step = per,
          .output_surface = per};
}

/// The window of one axis of a tile is exactly what its outputs reach.
void expect_window(int out0, int out, int in0, int in, int before, int after, int size, int kernel, int stride, int pad) {
  EXPECT_GE(in, 1);
  EXPECT_GE(before, 0);
  EXPECT_LT(before, kernel);
  EXPECT_LT(after, kernel);
  EXPECT_GE(in0, 0);
  EXPECT_LE(in0 + in, size);
  EXPECT_EQ(in0 - before, out0 * stride - pad);
  EXPECT_EQ(in + before + after, (out - 1) * stride + kernel);
}

int64_t bytes_of_kernels(const ConvShape& x, int kernels) {
  return int64_t{kernels} * x.c * x.r * x.s * static_cast<int64_t>(hw::bytes_per_element(x.precision));
}

void expect_fits(const hw::HwConfig& config, const ConvShape& x, const ConvPlan& plan, const ConvTile& t) {
  const int64_t bank = int64_t{config.cbuf_bank_entries} * config.cbuf_entry_bytes;
  EXPECT_LE(plan.data_banks + plan.weight_banks, static_cast<int>(config.cbuf_banks));
  EXPECT_LE(int64_t{t.entries_per_slice} * t.in_h, int64_t{plan.data_banks} * config.cbuf_bank_entries);
  // A row holds at least its bytes, rounded up to atoms.
  const int64_t atoms = (int64_t{x.c} * hw::bytes_per_element(x.precision) + config.memory_atom - 1) / config.memory_atom;
  EXPECT_GE(int64_t{t.entries_per_slice} * config.cbuf_entry_bytes, atoms * config.memory_atom * t.in_w);
  const int group = static_cast<int>(config.kernels_per_group(x.precision));
  const int held = plan.mode == WeightMode::kResident ? t.k : std::min(t.k, plan.mode == WeightMode::kPingPong ? 2 * group : group);
  EXPECT_LE(bytes_of_kernels(x, held), plan.weight_banks * bank);
}

void expect_covers(const ConvShape& x, const ConvPlan& plan) {
  // Tiles are a grid of kernel splits, columns and rows: areas add up and corners are where they belong.
  int64_t outputs = 0;
  for (const ConvTile& t : plan.tiles) {
    outputs += int64_t{t.k} * t.out_w * t.out_h;
    EXPECT_LE(t.k0 + t.k, x.k);
    EXPECT_LE(t.out_x + t.out_w, x.out_w);
    EXPECT_LE(t.out_y + t.out_h, x.out_h);
  }
  EXPECT_EQ(outputs, int64_t{x.k} * x.out_w * x.out_h);
  std::vector<std::array<int, 3>> corners;
  for (const ConvTile& t : plan.tiles) {
    corners.push_back({t.k0, t.out_x, t.out_y});
  }
  std::sort(corners.begin(), corners.end());
  EXPECT_EQ(std::adjacent_find(corners.begin(), corners.end()), corners.end());
}

void expect_sound(const hw::HwConfig& config, Precision precision, const Layer& layer) {
  const ConvShape x = shape_of(config, precision, layer);
  const auto plan = back::plan_conv(x, config, "layer");
  ASSERT_TRUE(plan) << plan.error().to_string();
  expect_covers(x, *plan);
  for (const ConvTile& t : plan->tiles) {
    expect_window(t.out_x, t.out_w, t.in_x, t.in_w, t.pad_left, t.pad_right, x.w, x.s, x.stride_x, x.pad_left);
    expect_window(t.out_y, t.out_h, t.in_y, t.in_h, t.pad_top, t.pad_bottom, x.h, x.r, x.stride_y, x.pad_top);
    expect_fits(config, x, *plan, t);
    if (testing::Test::HasFailure()) {
      return;
    }
  }
}

const std::vector<std::pair<const char*, Precision>> kTargets{
    {"nv_small", Precision::kInt8}, {"nv_small_256", Precision::kInt8}, {"nv_medium_512", Precision::kInt8},
    {"nv_large", Precision::kInt8}, {"nv_full", Precision::kInt8},      {"nv_full", Precision::kFp16}};

TEST(BackTiling, HugeAndOddLayers) {
  const std::vector<Layer> layers{
      {8191, 3, 16, 8, 3, 3, 1, 1},   {8192, 3, 16, 8, 3, 3, 1, 1},   {8192, 1, 1, 1, 1, 31, 1, 15}, {3, 8192, 16, 8, 3, 3, 1, 1},
      {1, 1, 8192, 1000},             {1, 1, 8191, 8192},             {1, 1, 8192, 8192},            {7, 7, 2048, 512},
      {7, 7, 2048, 512, 3, 3, 1, 1},  {4096, 4096, 3, 8, 3, 3, 2, 1}, {4096, 4096, 32, 32, 3, 3, 1, 1}, {4095, 4097, 7, 9, 5, 5, 3, 2},
      {513, 513, 32, 16, 3, 3, 2, 1}, {31, 33, 511, 1025, 3, 3, 1, 1},
  };
  for (const auto& [name, precision] : kTargets) {
    for (size_t i = 0; i < layers.size(); ++i) {
      SCOPED_TRACE(std::string(name) + " layer " + std::to_string(i));
      expect_sound(config_named(name), precision, layers[i]);
      if (testing::Test::HasFailure()) {
        return;
      }
    }
  }
}

TEST(BackTiling, RandomLayers) {
  std::mt19937 random(11);
  const auto below = [&](int bound) { return static_cast<int>(random() % static_cast<uint32_t>(bound)); };
  for (const auto& [name, precision] : kTargets) {
    for (int trial = 0; trial < 300; ++trial) {
      Layer x{.w = 1 + below(400), .h = 1 + below(400), .c = 1 + below(300), .k = 1 + below(300)};
      x.r = 1 + below(std::min(7, x.h));
      x.s = 1 + below(std::min(7, x.w));
      x.pad = below(std::min(x.r, x.s));
      x.stride = 1 + below(std::min({4, x.r, x.s}));
      SCOPED_TRACE(fmt::format("{} {}x{}x{} to {}, {}x{} stride {} pad {}", name, x.w, x.h, x.c, x.k, x.r, x.s, x.stride, x.pad));
      expect_sound(config_named(name), precision, x);
      if (testing::Test::HasFailure()) {
        return;
      }
    }
  }
}

TEST(BackTiling, ExtentsBeyondTheHardwareAreRefusedByName) {
  HwGraph graph;
  graph.tensors = {{.name = "wide", .w = 8193, .role = TensorRole::kInput}, {.name = "out", .w = 8193, .role = TensorRole::kOutput}};
  const auto segment = emit_segment(graph, config_named("nv_full"));
  ASSERT_FALSE(segment);
  EXPECT_NE(segment.error().message.find("8193"), std::string::npos);
  EXPECT_NE(segment.error().message.find("8192"), std::string::npos);
}

}  // namespace
}  // namespace medlar::compiler::test
