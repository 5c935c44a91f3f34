// SPDX-License-Identifier: Apache-2.0
#include "host/sensitivity.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <string_view>

#include "compiler/quantise/scales.hpp"
#include "host/half_choice.hpp"
#include "host/reference.hpp"
#include "num/channels.hpp"
#include "num/float_convert.hpp"

namespace medlar::host {
namespace {

using compiler::Calibrator;
using compiler::TensorRange;

/// Equal errors leave the widest range: calibration never sees all that comes.
constexpr std::array<Calibrator, 4> kCandidates{Calibrator::kMaximum, Calibrator::kMse, Calibrator::kPercentile, Calibrator::kEntropy};
/// Candidates nearer than this to one that is tried already are not worth a run.
constexpr double kDifferent = 1.1;
/// A later candidate must be better than an earlier one by so much; few samples cannot tell less.
constexpr double kBetter = 0.95;
/// Candidates with more than this many times the least squared error of the tensor itself are not tried: the output may not
/// show on a few samples what they lose.
constexpr double kOwnError = 2.0;
/// Samples on which a tensor is judged whose range is clear.
constexpr size_t kFewSamples = 2;
/// Values of all samples together; at least one sample is kept.
constexpr size_t kMostBytes = size_t{256} << 20;
constexpr float kWeightLevels = 127.0f;

/// Reaches that differ, the widest first.
std::vector<float> candidate_reaches(const TensorRange& range, double percentile) {
  std::vector<float> reaches;
  const float squares = compiler::calibrated_reach(range, {Calibrator::kMse, percentile});
  const double least = compiler::quantisation_error(range, static_cast<double>(squares));
  for (const Calibrator calibrator : kCandidates) {
    const float reach = compiler::calibrated_reach(range, {calibrator, percentile});
    const bool known = std::any_of(reaches.begin(), reaches.end(), [&](float other) {
      return static_cast<double>(std::max(reach, other)) < kDifferent * static_cast<double>(std::min(reach, other));
    });
    if (!known && reach > 0.0f && compiler::quantisation_error(range, static_cast<double>(reach)) <= kOwnError * least) {
      reaches.push_back(reach);
    }
  }
  return reaches;
}

/// A float tensor like `like`, stored in its own type.
graph::Tensor with_values(const graph::Tensor& like, const std::vector<float>& values) {
  if (like.type == graph::DataType::kFloat32) {
    return graph::make_tensor(like.type, like.shape, values);
  }
  graph::Tensor tensor = like;
  for (size_t i = 0; i < values.size(); ++i) {
    store_le(tensor.bytes.data() + 2 * i, static_cast<uint16_t>(num::fp32_to_fp16(std::bit_cast<uint32_t>(values[i]))));
  }
  return tensor;
}

/// Which input of an operator holds constant weights, and which axis counts kernels; nullopt for others.
struct WeightAxis {
  size_t input = 1;
  size_t axis = 0;
};

std::optional<WeightAxis> weight_axis(const graph::Graph& graph, const graph::Node& node) {
  if (node.inputs.size() < 2 || node.inputs[1] == graph::kNoValue || !graph.value(node.inputs[1]).is_constant() ||
      graph.value(node.inputs[1]).data->type != graph::DataType::kFloat32) {
    return std::nullopt;
  }
  const size_t rank = graph.value(node.inputs[1]).data->shape.size();
  if (node.op_type == "Conv") {
    return WeightAxis{1, 0};
  }
  if (node.op_type == "ConvTranspose" && rank > 1) {
    return WeightAxis{1, 1};
  }
  if (node.op_type == "Gemm" && rank == 2) {
    return WeightAxis{1, graph::int_attribute(node, "transB", 0).value_or(0) != 0 ? size_t{0} : size_t{1}};
  }
  return node.op_type == "MatMul" && rank == 2 ? std::optional(WeightAxis{1, 1}) : std::nullopt;
}

/// INT8 and back with one scale an index of `axis`.
graph::Tensor rounded_weights(const graph::Tensor& weights, size_t axis) {
  std::vector<float> values = floats_of(weights);
  size_t inner = 1;
  for (size_t i = axis + 1; i < weights.shape.size(); ++i) {
    inner *= static_cast<size_t>(weights.shape[i]);
  }
  const auto kernels = static_cast<size_t>(weights.shape[axis]);
  std::vector<float> largest(kernels, 0.0f);
  for (size_t i = 0; i < values.size(); ++i) {
    float& own = largest[i / inner % kernels];
    own = std::max(own, std::fabs(values[i]));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const float scale = largest[i / inner % kernels] / kWeightLevels;
    values[i] = scale > 0.0f ? std::nearbyint(values[i] / scale) * scale : values[i];
  }
  return graph::make_tensor(weights.type, weights.shape, values);
}

/// The output itself, or what a softmax in front of it reads: where one class is nearly sure, probabilities hide errors that
/// decide other pictures.
graph::ValueId judged_value(const graph::Graph& graph, const std::vector<graph::NodeId>& makers, graph::ValueId output) {
  constexpr std::array<std::string_view, 5> kRelabels{"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"};
  for (graph::ValueId id = output;;) {
    const graph::NodeId maker = makers[static_cast<size_t>(id)];
    if (maker == graph::kNoValue) {
      return output;
    }
    const graph::Node& node = graph.nodes[static_cast<size_t>(maker)];
    const bool softmax = node.op_type == "Softmax" || node.op_type == "LogSoftmax";
    if (softmax && makers[static_cast<size_t>(node.inputs[0])] != graph::kNoValue) {
      return node.inputs[0];
    }
    if (std::find(kRelabels.begin(), kRelabels.end(), node.op_type) == kRelabels.end()) {
      return output;
    }
    id = node.inputs[0];
  }
}

graph::Graph judged_graph(const graph::Graph& graph) {
  const auto makers = graph::producers(graph);
  graph::Graph judged = graph;
  judged.outputs.clear();
  for (const graph::ValueId output : graph.outputs) {
    const graph::ValueId value = judged_value(graph, makers, output);
    if (std::find(judged.outputs.begin(), judged.outputs.end(), value) == judged.outputs.end()) {
      judged.outputs.push_back(value);
    }
  }
  return judged;
}

size_t bytes_of(const Values& values) {
  size_t bytes = 0;
  for (const auto& [name, tensor] : values) {
    bytes += tensor.bytes.size();
  }
  return bytes;
}

/// Root mean squares over the outputs of several samples.
class ErrorMean {
 public:
  void add(const std::vector<OutputError>& errors) {
    for (const OutputError& error : errors) {
      sum_.two += error.two * error.two;
      sum_.four += error.four * error.four;
      ++count_;
    }
  }
  OutputError root() const {
    const auto count = static_cast<double>(std::max<size_t>(count_, 1));
    return {std::sqrt(sum_.two / count), std::sqrt(sum_.four / count)};
  }

 private:
  OutputError sum_;
  size_t count_ = 0;
};

}  // namespace

Result<Sensitivity> Sensitivity::create(const graph::Graph& graph, const std::vector<sample::Sample>& samples) {
  MEDLAR_ASSIGN(const Reference reference, Reference::create(graph, computed_values(graph)));
  std::vector<Values> values;
  size_t bytes = 0;
  for (const sample::Sample& sample : samples) {
    if (bytes + bytes / std::max<size_t>(values.size(), 1) > kMostBytes) {
      break;
    }
    MEDLAR_ASSIGN(std::vector<graph::Tensor> tensors, reference.run(sample));
    Values own(sample.inputs.begin(), sample.inputs.end());
    for (size_t i = 0; i < tensors.size(); ++i) {
      own.insert_or_assign(reference.wanted()[i], std::move(tensors[i]));
    }
    bytes += bytes_of(own);
    values.push_back(std::move(own));
  }
  return Sensitivity(judged_graph(graph), std::move(values));
}

namespace {

graph::Tensor stored_and_back(const graph::Tensor& exact, const TensorRange& range, std::span<const float> channel_scale) {
  std::vector<float> values = floats_of(exact);
  num::scale_channels(channel_scale, true, values);
  compiler::round_like_int8(range, values);
  num::scale_channels(channel_scale, false, values);
  return with_values(exact, values);
}

}  // namespace

Result<OutputError> Sensitivity::rounding_error(const Downstream& behind, const Storing& storing, size_t samples) const {
  ErrorMean mean;
  for (size_t i = 0; i < std::min(samples, values_.size()); ++i) {
    const graph::Tensor& exact = values_[i].at(storing.value);
    MEDLAR_ASSIGN(const std::vector<OutputError> errors,
                  behind.errors(values_[i], stored_and_back(exact, storing.range, storing.channel_scale)));
    mean.add(errors);
  }
  return mean.root();
}

OutputError Sensitivity::own_error(const Storing& storing) const {
  ErrorMean mean;
  for (const Values& values : values_) {
    const graph::Tensor& exact = values.at(storing.value);
    mean.add({relative_error(stored_and_back(exact, storing.range, storing.channel_scale), exact)});
  }
  // The other outputs are right.
  const OutputError error = mean.root();
  const double part = std::sqrt(static_cast<double>(graph_.outputs.size()));
  return {error.two / part, error.four / part};
}

Status Sensitivity::choose_reach(const compiler::StoredTensor& stored, double percentile, bool closely, TensorRange& range) {
  const std::string& value = stored.range;
  if (!stored.channel_scale.empty()) {
    // Every channel has a reach of its own already.
    range.reach = compiler::calibrated_reach(range, {Calibrator::kMaximum, percentile});
    return closely ? storing_error(stored, range).map([](double) {}) : Status{};
  }
  const std::vector<float> reaches = candidate_reaches(range, percentile);
  if (reaches.empty()) {
    return {};
  }
  if (reaches.size() == 1 && !closely) {
    range.reach = reaches.front();
    return {};
  }
  const auto behind = Downstream::create(graph_, value);
  if (!behind) {
    // An output: its largest values are the scores and boxes that count, so nothing is clipped.
    range.reach = compiler::calibrated_reach(range, {Calibrator::kMaximum, percentile});
    storing_[{value, {}}] = own_error({value, range}).two;
    return {};
  }
  double least = INFINITY;
  float best = range.reach;
  double& error_of_best = storing_[{value, {}}];
  for (const float reach : reaches) {
    range.reach = reach;
    MEDLAR_ASSIGN(const OutputError error, rounding_error(*behind, {value, range}, reaches.size() < 2 ? kFewSamples : values_.size()));
    if (error.four < kBetter * least) {
      least = error.four;
      best = reach;
      error_of_best = error.two;
    }
  }
  range.reach = best;
  return {};
}

Status Sensitivity::choose_reaches(const std::vector<compiler::StoredTensor>& stored, double percentile, bool closely,
                                   const ProgressSink& progress, compiler::CalibrationTable& table) {
  uint64_t done = 0;
  for (const compiler::StoredTensor& tensor : stored) {
    if (progress) {
      progress("choosing ranges", ++done, stored.size());
    }
    const auto found = table.ranges.find(tensor.range);
    if (found != table.ranges.end() && !found->second.histogram.empty() && values_.front().contains(tensor.range) &&
        chosen_.insert(tensor.range).second) {
      MEDLAR_TRY(choose_reach(tensor, percentile, closely, found->second));
    }
  }
  return {};
}

Result<double> Sensitivity::weight_error(const std::vector<std::string>& nodes) const {
  double squares = 0.0;
  for (const graph::Node& node : graph_.nodes) {
    const std::string& name = node.origins.empty() ? node.name : node.origins.front();
    const auto axis = weight_axis(graph_, node);
    if (!axis || std::find(nodes.begin(), nodes.end(), name) == nodes.end()) {
      continue;
    }
    graph::Graph changed = graph_;
    graph::Value& weights = changed.value(node.inputs[axis->input]);
    weights.data = std::make_shared<graph::Tensor>(rounded_weights(*weights.data, axis->axis));
    const std::string& source = graph_.value(node.inputs[0]).name;
    MEDLAR_ASSIGN(const Downstream behind, Downstream::create(changed, source));
    ErrorMean mean;
    for (const Values& values : values_) {
      MEDLAR_ASSIGN(const std::vector<OutputError> errors, behind.errors(values, values.at(source)));
      mean.add(errors);
    }
    squares += mean.root().two * mean.root().two;
  }
  return std::sqrt(squares);
}

Result<double> Sensitivity::measured_error(const Storing& storing, size_t samples) const {
  const auto behind = Downstream::create(graph_, storing.value);
  if (!behind) {
    return own_error(storing).two;
  }
  MEDLAR_ASSIGN(const OutputError error, rounding_error(*behind, storing, samples));
  return error.two;
}

Result<double> Sensitivity::storing_error(const compiler::StoredTensor& stored, const compiler::CalibrationTable& table) {
  const auto range = table.ranges.find(stored.range);
  return range == table.ranges.end() || !values_.front().contains(stored.range) ? 0.0 : storing_error(stored, range->second);
}

Result<double> Sensitivity::storing_error(const compiler::StoredTensor& stored, const TensorRange& range) {
  const auto [known, fresh] = storing_.emplace(std::pair(stored.range, stored.channel_scale), 0.0);
  if (fresh) {
    const Storing storing{stored.range, stored.channel_scale.empty() ? range : stored.divided, stored.channel_scale};
    MEDLAR_ASSIGN(known->second, measured_error(storing, kFewSamples));
  }
  return known->second;
}

Result<std::set<std::string>> Sensitivity::fp16_nodes(const std::vector<compiler::StoredTensor>& stored,
                                                      const compiler::CalibrationTable& table, const HalfLimits& limits,
                                                      const ProgressSink& progress) const {
  HalfQuestion question{.stored = stored, .rounding = {}, .weights = {}, .budget = limits.budget, .delay = limits.delay};
  for (const compiler::StoredTensor& tensor : stored) {
    if (progress) {
      progress("measuring layers", question.rounding.size() + 1, stored.size());
    }
    double weights = 0.0;
    if (limits.weights) {
      MEDLAR_ASSIGN(weights, weight_error(tensor.origins));
    }
    const auto known = storing_.find({tensor.range, {}});
    double rounding = known != storing_.end() ? known->second : 0.0;
    const auto range = table.ranges.find(tensor.range);
    if (known == storing_.end() && range != table.ranges.end() && values_.front().contains(tensor.range)) {
      MEDLAR_ASSIGN(rounding, measured_error({tensor.range, range->second}, values_.size()));
    }
    question.weights.push_back(weights * weights);
    question.rounding.push_back(rounding * rounding);
  }
  std::set<std::string> nodes;
  for (const size_t chosen : choose_half(question)) {
    nodes.insert(stored[chosen].origins.begin(), stored[chosen].origins.end());
  }
  return nodes;
}

}  // namespace medlar::host
