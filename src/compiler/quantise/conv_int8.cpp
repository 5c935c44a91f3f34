// SPDX-License-Identifier: Apache-2.0
// Integer convolutions.
#include "compiler/quantise/conv_int8.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/parallel.hpp"
#include "compiler/quantise/conv_geometry.hpp"
#include "compiler/quantise/correlated_rounding.hpp"
#include "compiler/quantise/fixed_point.hpp"
#include "compiler/quantise/rounding.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

constexpr int kWeightMax = 127;
constexpr int kMaxTruncate = 46;  // 49-bit products
/// Largest error of a bias in output steps before it moves behind the multiplier.
constexpr double kBiasError = 0.05;
/// ... and the most that is accepted where it cannot move.
constexpr double kBiasErrorMax = 0.25;

struct KernelStats {
  double largest = 0.0;  ///< max |w|
  double sum = 0.0;      ///< sum |w|
};

std::vector<KernelStats> kernel_stats(const ConvLayer& conv) {
  std::vector<KernelStats> stats(static_cast<size_t>(conv.k));
  const size_t per_kernel = conv.weights.size() / stats.size();
  for (size_t i = 0; i < conv.weights.size(); ++i) {
    const double weight = std::fabs(static_cast<double>(conv.weights[i]));
    KernelStats& kernel = stats[i / per_kernel];
    kernel.largest = std::max(kernel.largest, weight);
    kernel.sum += weight;
  }
  return stats;
}

/// Everything about the rescale of one convolution.
struct Rescale {
  double stream = 1.0;            ///< s1
  int shift = 0;                  ///< t
  std::vector<int32_t> mul;       ///< m[k]
  std::vector<double> acc_scale;  ///< P[k], before the accumulator's truncation
};

/// `wanted[k]` is the smallest P[k] that holds the weights.
Result<Rescale> make_rescale(const Int8Program& program, const std::vector<double>& wanted, double stream) {
  Rescale rescale{.stream = stream, .shift = 0, .mul = {}, .acc_scale = {}};
  double largest = *std::max_element(wanted.begin(), wanted.end());
  largest = largest > 0.0 ? largest : stream;
  const auto shift = common_shift(largest / stream, kMaxTruncate);
  if (!shift) {
    return fail(Code::kUnsupported, "{}: accumulator scale {} over stream scale {} does not fit 16 bits",
                program.layer.name, largest, stream);
  }
  rescale.shift = *shift;
  for (const double scale : wanted) {
    // A kernel of zeros takes the largest scale: only its bias counts.
    const double ratio = std::ldexp((scale > 0.0 ? scale : largest) / stream, rescale.shift);
    const double mul = std::clamp(std::ceil(ratio), 1.0, static_cast<double>(kOperandMax));
    rescale.mul.push_back(static_cast<int32_t>(mul));
    rescale.acc_scale.push_back(std::ldexp(mul * stream, -rescale.shift));
  }
  return rescale;
}

/// Weights of kernel k are multiples of acc_scale[k] / in_scale.
Weights quantise_weights(const Int8Program& program, const std::vector<double>& acc_scale) {
  const auto& conv = std::get<ConvLayer>(program.layer.body);
  const auto in_scale = static_cast<double>(program.scales.scale_of(program.layer.src));
  Weights weights{.k = conv.k, .c = conv.c, .r = conv.r, .s = conv.s, .integers = {}, .halves = {}};
  const size_t per_kernel = conv.weights.size() / static_cast<size_t>(conv.k);
  weights.integers.resize(conv.weights.size());
  if (program.src_moments != nullptr) {
    std::vector<double> steps;
    std::transform(acc_scale.begin(), acc_scale.end(), std::back_inserter(steps), [&](double scale) { return scale / in_scale; });
    const std::vector<float> levels = round_correlated({.conv = conv, .moments = *program.src_moments,
                                                        .channel_scale = program.src_divided, .first_channel = program.src_first,
                                                        .step = steps, .limit = kWeightMax});
    std::transform(levels.begin(), levels.end(), weights.integers.begin(), [](float level) { return static_cast<int16_t>(level); });
    return weights;
  }
  parallel_for(conv.k, 8, [&](int64_t begin, int64_t end) {
    const std::vector<double> steps(per_kernel, 1.0);
    std::vector<double> levels(per_kernel);
    for (auto k = static_cast<size_t>(begin); k < static_cast<size_t>(end); ++k) {
      for (size_t i = 0; i < per_kernel; ++i) {
        levels[i] = static_cast<double>(conv.weights[k * per_kernel + i]) * in_scale / acc_scale[k];
      }
      const std::vector<double> rounded =
          round_keeping_sums({.exact = levels, .step = steps, .taps = static_cast<size_t>(conv.r) * static_cast<size_t>(conv.s),
                              .mean = program.src_mean, .limit = kWeightMax});
      std::transform(rounded.begin(), rounded.end(), weights.integers.begin() + static_cast<std::ptrdiff_t>(k * per_kernel),
                     [](double level) { return static_cast<int16_t>(level); });
    }
  });
  return weights;
}

/// Shift that keeps the largest accumulator within 32 bits.
int accumulator_truncate(const Weights& weights) {
  const size_t per_kernel = weights.integers.size() / static_cast<size_t>(weights.k);
  int64_t largest = 0;
  for (size_t k = 0; k < static_cast<size_t>(weights.k); ++k) {
    int64_t sum = 0;
    for (size_t i = 0; i < per_kernel; ++i) {
      sum += std::abs(int64_t{weights.integers[k * per_kernel + i]});
    }
    largest = std::max(largest, sum * 128);
  }
  int truncate = 0;
  while ((largest >> truncate) >= (int64_t{1} << 31)) {
    ++truncate;
  }
  return truncate;
}

/// Everything that is added to the accumulators, in real numbers: the layer's bias, the zero points of the input and of
/// a sum's operand taken back, and the mean error of the rounded weights.
std::vector<double> bias_of(const Int8Program& program, const ConvOp& op, const std::vector<double>& acc_scale) {
  const auto& conv = std::get<ConvLayer>(program.layer.body);
  const int zero = program.scales.zero_of(program.layer.src);
  const double in_scale = static_cast<double>(program.scales.scale_of(program.layer.src));
  const size_t taps = static_cast<size_t>(conv.r) * static_cast<size_t>(conv.s);
  const size_t per_kernel = static_cast<size_t>(conv.c) * taps;
  double operand = 0.0;
  for (const Step& step : program.layer.steps) {
    if (step.operand != kNoTensor && step.kind == StepKind::kAddTensor) {
      operand += static_cast<double>(program.scales.scale_of(step.operand)) * program.scales.zero_of(step.operand);
    }
  }
  std::vector<double> bias(acc_scale.size(), -operand);
  for (size_t k = 0; k < bias.size(); ++k) {
    double error = 0.0;
    int64_t sum = 0;
    for (size_t i = 0; i < per_kernel; ++i) {
      const size_t at = k * per_kernel + i;
      sum += op.weights.integers[at];
      if (!program.src_mean.empty()) {
        const double stored = op.weights.integers[at] * acc_scale[k] / in_scale;
        error += (stored - static_cast<double>(conv.weights[at])) * program.src_mean[i / taps];
      }
    }
    bias[k] -= static_cast<double>(zero * sum) * acc_scale[k] + error;
    if (program.plan.x1.alu >= 0) {
      const std::vector<float>& add = program.step(program.plan.x1.alu).add;
      bias[k] += static_cast<double>(add[add.size() == 1 ? 0 : k]);
    }
  }
  return bias;
}

/// Error of the worst kernel's result, in output steps, when all biases share one shift in front of the multiplier.
double bias_error(const std::vector<double>& bias, const Rescale& rescale, double out_scale) {
  double largest = 0.0;
  double coarsest = 0.0;
  for (size_t k = 0; k < bias.size(); ++k) {
    largest = std::max(largest, std::fabs(bias[k]) / rescale.acc_scale[k]);
    coarsest = std::max(coarsest, rescale.acc_scale[k]);
  }
  if (largest <= kOperandMax) {
    return 0.0;  // rounded to whole accumulator steps, which are far below an output step
  }
  return largest / kOperandMax * 0.5 * coarsest / out_scale;
}

/// Accumulator scales that the weights ask for.
std::vector<double> wanted_scales(const std::vector<KernelStats>& stats, double in_scale) {
  std::vector<double> wanted;
  for (const KernelStats& kernel : stats) {
    wanted.push_back(in_scale * kernel.largest / kWeightMax);
  }
  return wanted;
}

/// Coarser weights for kernels whose bias dwarfs them, until the common bias shift is precise enough for the others.
void raise_for_bias(const std::vector<double>& bias, double out_scale, std::vector<double>& wanted) {
  const double coarsest = *std::max_element(wanted.begin(), wanted.end());
  const double largest_addend = 2.0 * kBiasErrorMax * kOperandMax * out_scale / coarsest;
  for (size_t k = 0; k < bias.size(); ++k) {
    if (wanted[k] > 0.0 && std::fabs(bias[k]) / wanted[k] > std::max<double>(largest_addend, kOperandMax)) {
      wanted[k] = std::min(coarsest, std::fabs(bias[k]) / std::max<double>(largest_addend, kOperandMax));
    }
  }
}

Status fill_x1(const Int8Program& program, const Rescale& rescale, const std::vector<double>& bias, ConvOp& op) {
  SdpStage& x1 = op.sdp.x1;
  x1.enable = true;
  x1.type = SdpStageType::kMul;
  x1.mode = SdpOperandMode::kPerChannel;
  x1.operand_precision = hw::Precision::kInt16;
  x1.mul_operand = rescale.mul;
  x1.truncate = rescale.shift - op.truncate;
  x1.activation = program.plan.x1.relu ? SdpActivation::kRelu : SdpActivation::kNone;
  const bool late = !program.late_bias.empty();
  if (late || std::all_of(bias.begin(), bias.end(), [](double value) { return value == 0.0; })) {
    return {};
  }
  std::vector<double> addends;
  for (size_t k = 0; k < bias.size(); ++k) {
    addends.push_back(bias[k] / std::ldexp(rescale.acc_scale[k], op.truncate));
  }
  auto fixed = fixed_addends(addends);
  if (!fixed) {
    return fail(Code::kUnsupported, "{}: bias exceeds 32 bits of the accumulator", program.layer.name);
  }
  x1.type = SdpStageType::kBoth;
  x1.alu = SdpAlu::kSum;
  x1.alu_operand = std::move(fixed->operands);
  x1.alu_shift = fixed->shift;
  return {};
}

/// The bias behind the multiplier: X2 adds it in the stream's scale.
StagePlan with_late_bias(StagePlan plan) {
  plan.x2.relu = plan.x1.relu;
  plan.x1 = {};
  return plan;
}

}  // namespace

double stream_reach(const Layer& layer, const Scales& scales) {
  double reach = scales.reach_of(layer.src);
  if (const auto* conv = std::get_if<ConvLayer>(&layer.body); conv != nullptr) {
    double largest = 0.0;
    for (const KernelStats& kernel : kernel_stats(*conv)) {
      largest = std::max(largest, kernel.sum);
    }
    reach *= std::max(largest, 1e-30);
  }
  for (const Step& step : layer.steps) {
    double factor = 1.0;
    double addend = 0.0;
    for (const float mul : step.kind == StepKind::kAffine ? step.mul : std::vector<float>{}) {
      factor = std::max(factor, std::fabs(static_cast<double>(mul)));
    }
    for (const float add : step.kind == StepKind::kAffine ? step.add : std::vector<float>{}) {
      addend = std::max(addend, std::fabs(static_cast<double>(add)));
    }
    if (step.operand != kNoTensor && step.kind != StepKind::kMulTensor) {
      addend += 2.0 * scales.reach_of(step.operand);  // the value, and the zero point that the bias takes back
    }
    reach = reach * factor + addend;
  }
  return reach;
}

double stream_entry(const Layer& layer, const StagePlan& plan, const Scales& scales) {
  const auto in_scale = static_cast<double>(scales.scale_of(layer.src));
  double largest = 0.0;
  if (const auto* conv = std::get_if<ConvLayer>(&layer.body); conv != nullptr) {
    for (const KernelStats& kernel : kernel_stats(*conv)) {
      largest = std::max(largest, in_scale * kernel.largest / kWeightMax);
    }
    return largest;
  }
  largest = plan.x1.mul >= 0 ? 0.0 : 1.0;
  for (const float factor : plan.x1.mul >= 0 ? layer.steps[static_cast<size_t>(plan.x1.mul)].mul : std::vector<float>{}) {
    largest = std::max(largest, std::fabs(static_cast<double>(factor)));
  }
  return in_scale * largest;
}

Result<ConvOp> conv_int8(const Int8Program& given) {
  const auto& conv = std::get<ConvLayer>(given.layer.body);
  const auto in_scale = static_cast<double>(given.scales.scale_of(given.layer.src));
  std::vector<double> wanted = wanted_scales(kernel_stats(conv), in_scale);
  MEDLAR_ASSIGN(double stream, stream_scale(given));
  MEDLAR_ASSIGN(Rescale rescale, make_rescale(given, wanted, stream));

  ConvOp op;
  set_geometry(conv, op);
  op.pad_value = given.scales.zero_of(given.layer.src);
  op.weights = quantise_weights(given, rescale.acc_scale);
  std::vector<double> bias = bias_of(given, op, rescale.acc_scale);
  StagePlan plan = given.plan;
  std::vector<double> late;
  if (bias_error(bias, rescale, given.out_scale()) > kBiasError) {
    if (!plan.x2.used()) {
      plan = with_late_bias(plan);
      late = bias;
    } else {
      raise_for_bias(bias, given.out_scale(), wanted);
    }
    Int8Program changed{given};
    changed.late_bias = late;
    MEDLAR_ASSIGN(stream, stream_scale(changed));
    MEDLAR_ASSIGN(rescale, make_rescale(given, wanted, stream));
    op.weights = quantise_weights(given, rescale.acc_scale);
    bias = bias_of(given, op, rescale.acc_scale);
    late = late.empty() ? late : bias;
  }
  const Int8Program program{given.layer, plan, given.scales, given.reach, given.entry, given.luts, late, given.src_mean,
                            given.src_moments, given.src_divided, given.src_first};
  op.truncate = accumulator_truncate(op.weights);
  if (op.truncate > rescale.shift || !hw::kLimits.conv.clip_truncate.contains(static_cast<uint64_t>(op.truncate))) {
    return fail(Code::kUnsupported, "{}: accumulator needs {} more bits than 32", program.layer.name, op.truncate);
  }
  MEDLAR_TRY(fill_x1(program, rescale, bias, op));
  MEDLAR_TRY(fill_after_x1(program, stream, op.sdp));
  return op;
}

}  // namespace medlar::compiler
