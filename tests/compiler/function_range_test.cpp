// SPDX-License-Identifier: Apache-2.0
// Unary functions on the chip model over every finite FP16 number, and over every stored value of INT8,
// against double.
#include "back_runner.hpp"
#include "compiler/fuse/fuse.hpp"
#include "compiler/legalise/legalise.hpp"
#include "compiler/quantise/quantise.hpp"
#include "front_graphs.hpp"
#include "num/float_convert.hpp"

#include <bit>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>

#include <gtest/gtest.h>

namespace medlar::compiler::test {
namespace {

using hw::Precision;

constexpr double kLargest = 65504.0;

struct Row {
  std::string op;
  std::function<double(double)> function;
  double low = -kLargest, high = kLargest;  ///< Where the function is defined.
  double relative = 0.0, absolute = 0.0;    ///< FP16: the error is below one of the two.
  std::map<std::string, Attribute> attributes = {};
  double exponent = 0.0;  ///< Of Pow.
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.op;
}

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}
double softplus(double x) {
  return x > 30.0 ? x : std::log1p(std::exp(x));
}
double gelu(double x) {
  return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0)));
}

std::vector<Row> rows() {
  const auto elu = [](double x) { return x < 0.0 ? std::expm1(x) : x; };
  const auto celu = [](double x) { return x < 0.0 ? 5.0 * std::expm1(x / 5.0) : x; };
  const auto power = [](double p) { return [p](double x) { return std::pow(x, p); }; };
  const double all = kLargest;
  return {
      {"Abs", [](double x) { return std::fabs(x); }, -all, all},
      {"Neg", [](double x) { return -x; }, -all, all},
      {"Relu", [](double x) { return std::max(x, 0.0); }, -all, all},
      {"Sigmoid", sigmoid, -all, all, 4e-3, 2e-7},
      {"Tanh", [](double x) { return std::tanh(x); }, -all, all, 1e-3, 0},
      {"HardSigmoid",
       [](double x) { return std::clamp(0.2 * x + 0.5, 0.0, 1.0); },
       -all,
       all,
       1e-3,
       1e-3,
       {{"alpha", 0.2f}}},
      {"HardSwish", [](double x) { return x * std::clamp(x / 6.0 + 0.5, 0.0, 1.0); }, -all, all, 3e-3, 6e-4},
      {"Mish", [](double x) { return x * std::tanh(softplus(x)); }, -all, all, 7e-3, 1.2e-3},
      {"Elu", elu, -all, all, 2e-3, 4e-4},
      {"Selu",
       [](double x) { return 1.0507009873554805 * (x < 0.0 ? 1.6732632423543772 * std::expm1(x) : x); }, -all,
       all, 3e-3, 6e-4},
      {"Celu", celu, -all, all, 2e-3, 2e-3, {{"alpha", 5.0f}}},
      {"Softplus", softplus, -all, all, 4e-3, 2.5e-7},
      {"Exp", [](double x) { return std::exp(x); }, -all, all, 6e-3, 1e-7},
      {"Sqrt", [](double x) { return std::sqrt(x); }, 0.0, all, 9e-3, 0},
      {"Reciprocal", [](double x) { return 1.0 / x; }, -all, all, 3e-3, 0},
      {"Log", [](double x) { return std::log(x); }, 0x1p-24, all, 7e-3, 4e-3},
      {"Erf", [](double x) { return std::erf(x); }, -all, all, 2e-3, 1e-4},
      {"Gelu", gelu, -all, all, 2e-3, 1e-3},
      {"Softsign", [](double x) { return x / (1.0 + std::fabs(x)); }, -all, all, 1.3e-2, 0},
      {"Atan", [](double x) { return std::atan(x); }, -all, all, 1.3e-2, 0},
      {"Asinh", [](double x) { return std::asinh(x); }, -all, all, 1.3e-2, 0},
      {"Sinh", [](double x) { return std::sinh(x); }, -all, all, 4e-3, 0},
      {"Cosh", [](double x) { return std::cosh(x); }, -all, all, 4e-3, 0},
      {"Asin", [](double x) { return std::asin(x); }, -1.0, 1.0, 0, 0.04},
      {"Acos", [](double x) { return std::acos(x); }, -1.0, 1.0, 0, 0.04},
      {"Atanh", [](double x) { return std::atanh(x); }, -0.96875, 0.96875, 4e-3, 4e-3},
      {"Sin", [](double x) { return std::sin(x); }, -3200.0, 3200.0, 0, 6e-3},
      {"Cos", [](double x) { return std::cos(x); }, -3200.0, 3200.0, 0, 6e-3},
      {"Pow", power(0.5), 0.0, all, 9e-3, 0, {}, 0.5},
      {"Pow", power(-0.5), 0x1p-24, all, 1e-2, 0, {}, -0.5},
      {"Pow", power(1.5), 0.0, all, 1.3e-2, 1e-7, {}, 1.5},
      {"Pow", power(3.5), 0.0, all, 1.3e-2, 1e-7, {}, 3.5},
      {"Pow", power(-2.5), 0x1p-24, all, 2.5e-2, 1e-7, {}, -2.5},
  };
}

std::vector<double> finite_halves() {
  std::vector<double> values;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7c00) != 0x7c00) {
      values.push_back(std::bit_cast<float>(num::fp16_to_fp32(bits)));
    }
  }
  return values;
}

/// One node over a cube of numbers.
GraphBuilder one_node(const Row& row, const Shape& shape) {
  GraphBuilder b;
  std::vector<ValueId> inputs = {b.input("x", shape)};
  if (row.exponent != 0.0) {
    inputs.push_back(b.constant({}, {static_cast<float>(row.exponent)}));
  }
  b.output(b.node(row.op, "y", inputs, shape, row.attributes));
  return b;
}

std::vector<double> on_the_chip(GraphBuilder& b, Precision precision, const std::vector<double>& x,
                                double reach_in = 0.0, double reach_out = 0.0) {
  const hw::HwConfig& config = **hw::find_config("nv_full");
  const graph::Graph& graph = b.graph();
  const Question question{.graph = graph, .config = config, .precision = precision};
  std::vector<graph::NodeId> nodes(graph.nodes.size());
  std::iota(nodes.begin(), nodes.end(), 0);
  const Verdict verdict = check_node(question, graph.nodes[0]);
  EXPECT_FALSE(verdict) << verdict->message();
  auto layers = lower_segment(question, nodes, graph.outputs);
  EXPECT_TRUE(layers) << layers.error().to_string();
  fuse(*layers, {.config = config, .precision = precision});
  CalibrationTable table;
  EXPECT_TRUE(accumulate(table.ranges["x"],
                         std::vector<float>{static_cast<float>(-reach_in), static_cast<float>(reach_in)}, 1));
  EXPECT_TRUE(accumulate(table.ranges["y"],
                         std::vector<float>{static_cast<float>(-reach_out), static_cast<float>(reach_out)},
                         1));
  const std::set<std::string> none;
  const auto hardware =
      quantise(*layers, {.config = config, .precision = precision, .table = &table, .fp16_nodes = &none});
  EXPECT_TRUE(hardware) << hardware.error().to_string();
  const auto segment = emit_segment(*hardware, config, {});
  EXPECT_TRUE(segment) << segment.error().to_string();
  const auto results = run_segment(*segment, config, {{"x", x}});
  EXPECT_TRUE(results) << results.error().to_string();
  return results->at("y");
}

class FunctionRange : public ::testing::TestWithParam<Row> {};

TEST_P(FunctionRange, HoldsOverAllOfFp16) {
  const Row& row = GetParam();
  const std::vector<double> x = finite_halves();  // 31 * 2048
  GraphBuilder b = one_node(row, {1, 31, 32, 64});
  const std::vector<double> got = on_the_chip(b, Precision::kFp16, x);
  double worst = 0.0;
  size_t at = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool pole = x[i] == 0.0 && !std::isfinite(row.function(0.0));
    if (x[i] < row.low || x[i] > row.high || pole) {
      continue;
    }
    const double wanted = std::clamp(row.function(x[i]), -kLargest, kLargest);
    // The entry behind FP16's end is cut, and with it the line to it.
    const double end = std::fabs(wanted) > 0.9 * kLargest ? 0.04 * kLargest : 0.0;
    const double allowed = std::max(
        {end, row.absolute, row.relative * std::fabs(wanted), 0x1.1p-22, 0x1.1p-9 * std::fabs(wanted)});
    const double error = std::fabs(got[i] - wanted) / allowed;
    if (!(error <= worst)) {
      worst = error;
      at = i;
    }
  }
  EXPECT_LE(worst, 1.0) << row.op << " of " << x[at] << " is " << row.function(x[at]) << ", the chip says "
                        << got[at];
}

/// Functions that end nowhere have an entry for each stored value: nothing but the two roundings is left.
TEST(StoredTable, IsExactForEveryStoredValue) {
  const std::vector<std::pair<Row, double>> wide = {
      {{"Sqrt", [](double x) { return std::sqrt(x); }, 0.0}, 3000.0},
      {{"Log", [](double x) { return std::log(x); }, 0.5}, 1000.0},
      {{"Sin", [](double x) { return std::sin(x); }}, 40.0},
      {{"Atan", [](double x) { return std::atan(x); }}, 200.0},
      {{"Reciprocal", [](double x) { return 1.0 / x; }}, 60.0},
      {{"Softsign", [](double x) { return x / (1.0 + std::fabs(x)); }}, 0.1},
  };
  std::vector<double> stored(256);
  std::iota(stored.begin(), stored.end(), -128.0);
  for (const auto& [row, reach] : wide) {
    GraphBuilder b = one_node(row, {1, 4, 8, 8});
    const double top =
        row.op == "Reciprocal" ? 127.0 / reach : std::fabs(row.op == "Sin" ? 1.0 : row.function(reach));
    std::vector<double> x;
    for (const double value : stored) {
      x.push_back(value * reach / 127.0);
    }
    const std::vector<double> got = on_the_chip(b, Precision::kInt8, x, reach, top);
    for (size_t i = 0; i < stored.size(); ++i) {
      if (x[i] >= row.low && stored[i] != 0.0) {
        const double wanted = std::clamp(row.function(x[i]) / top * 127.0, -128.0, 127.0);
        EXPECT_NEAR(got[i] / top * 127.0, wanted, 0.53) << row.op << " of " << x[i];
      }
    }
  }
}

/// Networks whose activations are small pass through a gate's zero: its slope there is the function's.
TEST(Gates, KeepTheRelativeErrorOfSmallNumbers) {
  const std::vector<Row> gates = {{"HardSwish", [](double x) { return x * std::clamp(x / 6.0 + 0.5, 0.0, 1.0); }},
                                  {"Mish", [](double x) { return x * std::tanh(softplus(x)); }},
                                  {"Gelu", gelu}};
  std::vector<double> x;
  for (int i = 1; i <= 256; ++i) {
    x.push_back(std::ldexp(i - 128.5, -12));
  }
  for (const Row& row : gates) {
    GraphBuilder b = one_node(row, {1, 4, 8, 8});
    const std::vector<double> got = on_the_chip(b, Precision::kFp16, x);
    for (size_t i = 0; i < x.size(); ++i) {
      const double wanted = row.function(x[i]);
      EXPECT_NEAR(got[i], wanted, 5e-3 * std::fabs(wanted)) << row.op << " of " << x[i];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, FunctionRange, ::testing::ValuesIn(rows()),
                         [](const ::testing::TestParamInfo<Row>& row) {
                           return row.param.op + std::to_string(row.index);
                         });

}  // namespace
}  // namespace medlar::compiler::test
