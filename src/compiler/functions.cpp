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

// Symmetric tables have LE as a coarse copy of LO, so that it never answers, or as what lies beyond it. Functions that fall
// exponentially to the left have LE go on there: behind a detector's scores an error counts relative to small values. Gates
// (x times something) bend where they pass through 0: there LO is fine, so that small activations keep their relative error.
constexpr TableShape kFallsLeft{-8.0, -4, -16.0, -3, 0.0, 0.0, true};
constexpr TableShape kSoftplusLine{-8.0, -4, -16.0, -3, 0.0, 1.0, true};
constexpr TableShape kGate{-1.0, -7, -9.0, -2, 0.0, 1.0, true};
constexpr TableShape kNarrowGate{-0.5, -8, -4.0, -3, 0.0, 1.0};
constexpr TableShape kExponential{-2.0, -7, -8.0, -2, 0.0, 1.0};
constexpr TableShape kNarrow{-4.0, -5, -8.0, -2, 0.0, 0.0};
constexpr double kEndOfHyperbolic = 11.75;  // FP16 ends behind it
constexpr double kSlopeOfHyperbolic = 62000.0;
constexpr TableShape kUnit{-1.0, -7, -1.0, -5, 0.0, 0.0};
constexpr TableShape kWave{-8.0, -4, -8.0, -2, 0.0, 0.0};
constexpr double kSmallest = 0x1p-24;  // FP16's
constexpr double kSmallestNormal = 0x1p-14;
constexpr double kLargest = 65504.0;
constexpr double kMostTurns = 3200.0;  // 512 * 2 pi

constexpr std::array kSpecs = {
    FunctionSpec{Function::kSigmoid, "sigmoid", kFallsLeft, -17.0, 17.0},
    FunctionSpec{Function::kTanh, "tanh", kNarrow},
    FunctionSpec{Function::kSilu, "silu", kGate, -24.0, 24.0},
    FunctionSpec{Function::kHardSwish, "hard_swish", kNarrowGate},
    FunctionSpec{Function::kMish, "mish", kGate, -24.0, 24.0},
    FunctionSpec{Function::kElu, "elu", kExponential},
    FunctionSpec{Function::kSoftplus, "softplus", kSoftplusLine, -24.0, 24.0},
    FunctionSpec{Function::kErf, "erf", kNarrow},
    FunctionSpec{Function::kGelu, "gelu", kNarrowGate},
    FunctionSpec{Function::kExp, "exp", {-5.0, -4, -21.0, -2, 0.0, 62000.0}, -24.0, 11.0},
    FunctionSpec{Function::kLog, "log", {}, kSmallestNormal, kLargest, Reach::kPositive},
    FunctionSpec{Function::kSqrt, "sqrt", {}, kSmallestNormal, kLargest, Reach::kPositive},
    FunctionSpec{Function::kReciprocal, "reciprocal", {}, 0x1p-15, 16384.0, Reach::kOdd},
    FunctionSpec{Function::kSelu, "selu", {-2.0, -7, -8.0, -2, 0.0, 1.0507}},
    FunctionSpec{Function::kCelu, "celu", kExponential},
    FunctionSpec{Function::kSoftsign, "softsign", {}, -kLargest, kLargest, Reach::kOdd},
    FunctionSpec{Function::kGeluTanh, "gelu_tanh", kNarrowGate},
    FunctionSpec{Function::kSin, "sin", kWave, -kMostTurns, kMostTurns, Reach::kPeriodic},
    FunctionSpec{Function::kCos, "cos", kWave, -kMostTurns, kMostTurns, Reach::kPeriodic},
    FunctionSpec{Function::kAsin, "asin", kUnit, -1.0, 1.0},
    FunctionSpec{Function::kAcos, "acos", kUnit, -1.0, 1.0},
    FunctionSpec{Function::kAtan, "atan", {}, -kLargest, kLargest, Reach::kOdd},
    FunctionSpec{Function::kSinh, "sinh", {kEndOfHyperbolic - 16.0, -4, -kEndOfHyperbolic, -3, kSlopeOfHyperbolic, kSlopeOfHyperbolic}, -11.0, 11.0},
    FunctionSpec{Function::kCosh, "cosh", {kEndOfHyperbolic - 16.0, -4, -kEndOfHyperbolic, -3, -kSlopeOfHyperbolic, kSlopeOfHyperbolic}, -11.0, 11.0},
    FunctionSpec{Function::kAsinh, "asinh", {}, -kLargest, kLargest, Reach::kOdd},
    FunctionSpec{Function::kAtanh, "atanh", kUnit, -0.96875, 0.96875},
    FunctionSpec{Function::kPower, "power", {}, 0x1p-10, 64.0, Reach::kPositive},
    FunctionSpec{Function::kOctave, "octave", {}, kSmallest, kLargest},
    FunctionSpec{Function::kSign, "sign", {-0x1p-18, -25, -0x1p-18, -23, 0.0, 0.0}, -kLargest, kLargest},
};

// A table over kOctave: eight intervals an octave from 2^-16 to 2^16, four below.
constexpr TableShape kByOctaves{-16.0, -3, -32.0, -2, 0.0, 0.0};
// The logarithm is nearly straight there; the finer half serves what surrounds its zero.
constexpr TableShape kLogByOctaves{-16.0, -3, -1.0, -5, std::numbers::ln2, 0.0};

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
  constexpr int kSmallestExponent = -14;
  const double limited = std::clamp(x, -kLargest, kLargest);
  if (limited == 0.0) {
    return 0.0;
  }
  const double unit = std::ldexp(1.0, std::max(std::ilogb(limited), kSmallestExponent) - 10);
  return std::nearbyint(limited / unit) * unit;
}

double value_of(const Step& step, double x) {
  constexpr double kPoleOfLog = 0x1p-40;
  constexpr double kPole = 0x1p-26;  // beyond it a reciprocal leaves FP16
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
    case Function::kLog: return std::log(std::max(x, kPoleOfLog));
    case Function::kSqrt: return std::sqrt(std::max(x, 0.0));
    case Function::kReciprocal: return std::fabs(x) < kPole ? 1.0 / std::copysign(kPole, x) : 1.0 / x;
    case Function::kSelu: return step.beta * (x < 0.0 ? step.alpha * std::expm1(x) : x);
    case Function::kCelu: return x < 0.0 ? step.alpha * std::expm1(x / step.alpha) : x;
    case Function::kSoftsign: return x / (1.0 + std::fabs(x));
    case Function::kGeluTanh: return gelu_tanh(x);
    case Function::kPower: return std::pow(std::max(x, step.alpha < 0.0f ? kPole : 0.0), static_cast<double>(step.alpha));
    case Function::kOctave: return x < std::ldexp(1.0, kFirstOctave) ? kOctaveOfZero : std::ilogb(x) + std::ldexp(x, -std::ilogb(x)) - 1.0;
    case Function::kSign: return x < 0.0 ? -1.0 : 1.0;
    default: return trigonometric(step.function, x);
  }
}

/// Between two entries of a half of the table, as the hardware interpolates.
double interpolated(const Step& step, double start, int log2, int intervals, double x) {
  const TableShape shape = table_shape(step);
  const double position = std::clamp(std::floor(std::ldexp(x - start, -log2)), 0.0, intervals - 1.0);
  const double left = start + std::ldexp(position, log2);
  const double right = left + std::ldexp(1.0, log2);
  const double a = shape.falls_to_zero && left == shape.le_start ? 0.0 : half_value(evaluate(step, left));
  const double b = half_value(evaluate(step, right));
  return a + std::clamp((x - left) / (right - left), 0.0, 1.0) * (b - a);
}

/// As legalise/wide_table.cpp takes it, but for the roundings of its operations.
double remainder_of(double x) {
  const double turn = 2.0 * kPi;
  return half_value(x - std::round(x / turn) * turn);
}

/// What the table answers, without the balance of its entries.
double from_table(const Step& step, double x) {
  const TableShape shape = table_shape(step);
  const double lo_end = shape.lo_start + std::ldexp(256.0, shape.lo_log2);
  const double le_end = shape.le_start + std::ldexp(64.0, shape.le_log2);
  const bool le = x >= shape.le_start && x < le_end;
  const bool lo = x >= shape.lo_start && x < lo_end;
  const double low = std::min(shape.lo_start, shape.le_start);
  const double high = std::max(lo_end, le_end);
  const double beyond = x < low ? (x - low) * shape.left : (x > high ? (x - high) * shape.right : 0.0);
  const bool lower_is_lo = shape.lo_start <= shape.le_start;
  const bool fine = (lo && !(le && shape.le_log2 < shape.lo_log2)) || (!lo && !le && (x < low ? lower_is_lo : lo_end >= le_end));
  return beyond + (fine ? interpolated(step, shape.lo_start, shape.lo_log2, 256, x)
                        : interpolated(step, shape.le_start, shape.le_log2, 64, x));
}

/// The way by octaves, which reach the second table with an error of up to one unit of FP16.
double by_octaves(Step step, double x, double units) {
  const Step octave{.kind = StepKind::kTable, .function = Function::kOctave};
  const double exact = value_of(octave, x);
  const double unit = exact == 0.0 ? kSmallest : std::max(std::ldexp(1.0, std::ilogb(exact) - 10), kSmallest);
  const double at = half_value(exact) + units * unit;
  const bool quotient = function_spec(step.function).reach == Reach::kOdd && step.function != Function::kReciprocal;
  step.form = quotient ? TableForm::kQuotient : TableForm::kOctaves;
  const double value = from_table(step, at);
  if (step.function == Function::kReciprocal) {  // one step of Newton's
    return value * (2.0 - half_value(x * value));
  }
  return value * (quotient ? x : 1.0);
}

}  // namespace

std::span<const FunctionSpec> function_specs() { return kSpecs; }

const FunctionSpec& function_spec(Function function) { return kSpecs[static_cast<size_t>(function)]; }

bool by_stored_values(const Step& step) {
  return step.kind == StepKind::kTable && step.form == TableForm::kDirect && function_spec(step.function).reach != Reach::kTable;
}

bool is_relative(const FunctionSpec& spec) {
  return (spec.reach == Reach::kPositive || spec.reach == Reach::kOdd) && spec.function != Function::kLog;  // whose zero is at 1
}

TableShape table_shape(const Step& step) {
  if (step.form != TableForm::kDirect) {
    return step.function == Function::kLog ? kLogByOctaves : kByOctaves;
  }
  TableShape shape = function_spec(step.function).shape;
  if (step.function == Function::kCelu) {  // as wide as its curve
    const int wider = static_cast<int>(std::ceil(std::log2(static_cast<double>(step.alpha))));
    shape.lo_start = std::ldexp(shape.lo_start, wider);
    shape.le_start = std::ldexp(shape.le_start, wider);
    shape.lo_log2 += wider;
    shape.le_log2 += wider;
  }
  return shape;
}

double from_octave(double octave) {
  constexpr double kNothing = -24.5;  // half way below FP16's smallest number
  if (octave < kNothing) {
    return 0.0;
  }
  const double whole = std::floor(octave);
  return std::ldexp(1.0 + octave - whole, static_cast<int>(whole));
}

double evaluate(const Step& step, double x) {
  switch (step.form) {
    case TableForm::kDirect: return value_of(step, x);
    case TableForm::kOctaves: return value_of(step, from_octave(x));
    case TableForm::kQuotient: {
      const double argument = std::max(from_octave(x), kSmallest);
      return value_of(step, argument) / argument;
    }
  }
  return 0.0;
}

double table_error(const Step& step) {
  constexpr double kRemainderError = 0x1p-9;  // half a unit of FP16 below 8
  const FunctionSpec& spec = function_spec(step.function);
  constexpr int kPoints = 16384;
  double worst = 0.0;
  const bool octaves = spec.reach == Reach::kPositive || spec.reach == Reach::kOdd;
  const double from = octaves ? std::max(spec.from, kSmallest) : spec.from;
  for (int i = 0; i <= kPoints; ++i) {
    const double part = static_cast<double>(i) / kPoints;
    const double x = half_value(octaves ? from * std::pow(spec.to / from, part) : from + (spec.to - from) * part);
    const double wanted = value_of(step, x);
    for (const double units : {-1.0, 1.0}) {
      const double at = spec.reach == Reach::kPeriodic ? remainder_of(x) + units * kRemainderError : x;
      const double error = std::fabs(half_value(octaves ? by_octaves(step, x, units) : from_table(step, at)) - wanted);
      worst = std::max(worst, error / (is_relative(spec) ? std::fabs(wanted) + kSmallest : std::max(1.0, std::fabs(wanted))));
    }
  }
  return worst;
}

}  // namespace medlar::compiler
