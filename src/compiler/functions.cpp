// SPDX-License-Identifier: Apache-2.0
// Functions and their intervals.
#include "compiler/functions.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace medlar::compiler {
namespace {

constexpr double kPi = std::numbers::pi;

// Symmetric tables have LE as a coarse copy of LO, so that it never answers. Functions that fall exponentially to the left
// have LE go on there: behind a detector's scores an error counts relative to small values.
constexpr std::array kSpecs = {
    FunctionSpec{Function::kSigmoid, "sigmoid", -8.0, -4, -16.0, -3, 0.0, 0.0},
    FunctionSpec{Function::kTanh, "tanh", -4.0, -5, -4.0, -3, 0.0, 0.0},
    FunctionSpec{Function::kSilu, "silu", -8.0, -4, -16.0, -3, 0.0, 1.0},
    FunctionSpec{Function::kHardSwish, "hard_swish", -4.0, -5, -4.0, -3, 0.0, 1.0},
    FunctionSpec{Function::kMish, "mish", -8.0, -4, -16.0, -3, 0.0, 1.0},
    FunctionSpec{Function::kElu, "elu", -8.0, -4, -8.0, -2, 0.0, 1.0},
    FunctionSpec{Function::kSoftplus, "softplus", -8.0, -4, -16.0, -3, 0.0, 1.0},
    FunctionSpec{Function::kErf, "erf", -4.0, -5, -4.0, -3, 0.0, 0.0},
    FunctionSpec{Function::kGelu, "gelu", -4.0, -5, -4.0, -3, 0.0, 1.0},
    FunctionSpec{Function::kExp, "exp", -10.0, -4, 6.0, -3, 0.0, 0.0, -10.0, 11.0},
    FunctionSpec{Function::kLog, "log", 0.015625, -6, 4.0, -1, 64.0, 0.0277, 0.125, 36.0},
    FunctionSpec{Function::kSqrt, "sqrt", 0.0, 0, 0.0, -4, 0.0, 0.03125, 0.25, 256.0},
    FunctionSpec{Function::kReciprocal, "reciprocal", 0.0625, -5, -8.0625, -3, 0.0, 0.0, 0.125, 8.0},
    FunctionSpec{Function::kSelu, "selu", -8.0, -4, -8.0, -2, 0.0, 1.0507},
    FunctionSpec{Function::kCelu, "celu", -8.0, -4, -8.0, -2, 0.0, 1.0},
    FunctionSpec{Function::kSoftsign, "softsign", -4.0, -5, -8.0, -2, 0.0139, 0.0139},
    FunctionSpec{Function::kGeluTanh, "gelu_tanh", -4.0, -5, -4.0, -3, 0.0, 1.0},
    FunctionSpec{Function::kSin, "sin", -8.0, -4, -8.0, -2, 0.0, 0.0},
    FunctionSpec{Function::kCos, "cos", -8.0, -4, -8.0, -2, 0.0, 0.0},
    FunctionSpec{Function::kAsin, "asin", -1.0, -7, -1.0, -5, 0.0, 0.0, -1.0, 1.0},
    FunctionSpec{Function::kAcos, "acos", -1.0, -7, -1.0, -5, 0.0, 0.0, -1.0, 1.0},
    FunctionSpec{Function::kAtan, "atan", -4.0, -5, -16.0, -1, 0.0039, 0.0039, -16.0, 16.0},
    FunctionSpec{Function::kSinh, "sinh", -4.0, -5, -8.0, -2, 0.0, 0.0},
    FunctionSpec{Function::kCosh, "cosh", -4.0, -5, -8.0, -2, 0.0, 0.0},
    FunctionSpec{Function::kAsinh, "asinh", -4.0, -5, -16.0, -1, 0.0624, 0.0624, -16.0, 16.0},
    FunctionSpec{Function::kAtanh, "atanh", -1.0, -7, -1.0, -5, 0.0, 0.0, -0.96875, 0.96875},
    FunctionSpec{Function::kPower, "power", 0.0, -5, 8.0, -2, 0.0, 0.0, 0.125, 24.0},
};

constexpr bool in_order() {
  for (size_t i = 0; i < kSpecs.size(); ++i) {
    if (kSpecs[i].function != static_cast<Function>(i)) {
      return false;
    }
  }
  return true;
}
static_assert(in_order());

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double softplus(double x) { return x > 30.0 ? x : std::log1p(std::exp(x)); }

double gelu_tanh(double x) { return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / kPi) * (x + 0.044715 * x * x * x))); }

double trigonometric(Function function, double x) {
  const double unit = std::clamp(x, -1.0, 1.0);
  switch (function) {
    case Function::kSin: return std::sin(x);
    case Function::kCos: return std::cos(x);
    case Function::kAsin: return std::asin(unit);
    case Function::kAcos: return std::acos(unit);
    case Function::kAtan: return std::atan(x);
    case Function::kSinh: return std::sinh(x);
    case Function::kCosh: return std::cosh(x);
    case Function::kAsinh: return std::asinh(x);
    default: return std::atanh(std::clamp(x, -0.9999, 0.9999));
  }
}

/// Rounded to FP16.
double half_value(double x) {
  constexpr double kLargest = 65504.0;
  constexpr int kSmallestExponent = -14;
  const double limited = std::clamp(x, -kLargest, kLargest);
  if (limited == 0.0) {
    return 0.0;
  }
  const double unit = std::ldexp(1.0, std::max(std::ilogb(limited), kSmallestExponent) - 10);
  return std::nearbyint(limited / unit) * unit;
}

/// Between two entries of a half of the table, as the hardware interpolates.
double interpolated(const Step& step, double start, int log2, double x) {
  const double position = std::floor(std::ldexp(x - start, -log2));
  const double left = start + std::ldexp(position, log2);
  const double right = left + std::ldexp(1.0, log2);
  const double a = half_value(evaluate(step, left));
  const double b = half_value(evaluate(step, right));
  return a + (x - left) / (right - left) * (b - a);
}

}  // namespace

std::span<const FunctionSpec> function_specs() { return kSpecs; }

const FunctionSpec& function_spec(Function function) { return kSpecs[static_cast<size_t>(function)]; }

double evaluate(const Step& step, double x) {
  constexpr double kLeast = 1.0 / 64.0;  // below, logarithm and reciprocal leave the table
  switch (step.function) {
    case Function::kSigmoid: return sigmoid(x);
    case Function::kTanh: return std::tanh(x);
    case Function::kSilu: return x * sigmoid(x);
    case Function::kHardSwish: return x * std::clamp(x / 6.0 + 0.5, 0.0, 1.0);
    case Function::kMish: return x * std::tanh(softplus(x));
    case Function::kElu: return x < 0.0 ? step.alpha * std::expm1(x) : x;
    case Function::kSoftplus: return softplus(x);
    case Function::kErf: return std::erf(x);
    case Function::kGelu: return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0)));
    case Function::kExp: return std::exp(x);
    case Function::kLog: return std::log(std::max(x, kLeast));
    case Function::kSqrt: return std::sqrt(std::max(x, 0.0));
    case Function::kReciprocal: return std::fabs(x) < kLeast ? 1.0 / std::copysign(kLeast, x) : 1.0 / x;
    case Function::kSelu: return step.beta * (x < 0.0 ? step.alpha * std::expm1(x) : x);
    case Function::kCelu: return x < 0.0 ? step.alpha * std::expm1(x / step.alpha) : x;
    case Function::kSoftsign: return x / (1.0 + std::fabs(x));
    case Function::kGeluTanh: return gelu_tanh(x);
    case Function::kPower: return std::pow(std::max(x, step.alpha < 0.0f ? kLeast : 0.0), static_cast<double>(step.alpha));
    default: return trigonometric(step.function, x);
  }
}

TableError table_error(const Step& step) {
  const FunctionSpec& spec = function_spec(step.function);
  constexpr int kPoints = 16384;
  TableError worst;
  for (int i = 0; i <= kPoints; ++i) {
    const double x = spec.from + (spec.to - spec.from) * i / kPoints;
    const bool le = x >= spec.le_start && x < spec.le_start + std::ldexp(64.0, spec.le_log2);
    const bool lo = x >= spec.lo_start && x < spec.lo_start + std::ldexp(256.0, spec.lo_log2);
    const bool fine = lo && !(le && spec.le_log2 < spec.lo_log2);
    const double ours = fine ? interpolated(step, spec.lo_start, spec.lo_log2, x)
                             : interpolated(step, spec.le_start, spec.le_log2, x);
    const double wanted = evaluate(step, x);
    const double error = std::fabs(half_value(ours) - wanted);
    worst.absolute = std::max(worst.absolute, error);
    worst.mixed = std::max(worst.mixed, error / std::max(1.0, std::fabs(wanted)));
  }
  return worst;
}

}  // namespace medlar::compiler
