// SPDX-License-Identifier: Apache-2.0
// Choice and application of channel factors.
#include "compiler/quantise/equalise.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "compiler/fuse/readers.hpp"

namespace medlar::compiler {
namespace {

/// Room above the largest value seen of a channel: other samples have more, and clipping costs more than rounding.
constexpr double kMargin = 1.5;
/// Channels are stretched by at most so much.
constexpr double kMostStretch = 64.0;
/// Error that must remain for a change to be kept.
constexpr double kWorthwhile = 0.5;
constexpr std::array<double, 4> kExponents{0.25, 0.5, 0.75, 1.0};

/// One tensor and the layers around it.
struct Site {
  TensorId id = kNoTensor;
  std::vector<size_t> writers, readers;
  double reach = 0.0;               ///< Where the tensor saturates now.
  std::vector<double> channels;     ///< The same by channel.
  std::vector<double> lows;         ///< Least value by channel.
  std::vector<double> powers;       ///< Mean square by channel.
};

bool commutes(const Layer& layer) {
  const auto* conv = std::get_if<ConvLayer>(&layer.body);
  if (conv == nullptr || conv->groups != 1) {
    return false;
  }
  for (const Step& step : layer.steps) {
    const bool last = &step == &layer.steps.back();
    const bool bound = step.kind == StepKind::kMin && last && step.add[0] > 0.0f;
    const bool relu = step.kind == StepKind::kRelu || (step.kind == StepKind::kMax && step.add[0] == 0.0f);
    const bool linear = step.kind == StepKind::kAffine || step.kind == StepKind::kPrelu;
    if (!(bound || relu || linear)) {
      return false;
    }
  }
  return true;
}

/// The layers around `id`, or false when one of them does not commute with factors.
bool find_layers(const LayerGraph& graph, Site& site) {
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    const Layer& layer = graph.layers[i];
    for (const Step& step : layer.steps) {
      if (step.operand != kNoTensor && root_of(graph, step.operand) == site.id) {
        return false;
      }
    }
    if (root_of(graph, layer.dst) == site.id) {
      site.writers.push_back(i);
      if (!commutes(layer)) {
        return false;
      }
    }
    if (root_of(graph, layer.src) == site.id) {
      site.readers.push_back(i);
      const auto* conv = std::get_if<ConvLayer>(&layer.body);
      if (conv == nullptr || conv->groups != 1) {
        return false;
      }
    }
  }
  return !site.writers.empty() && !site.readers.empty();
}

bool find_ranges(const LayerGraph& graph, const CalibrationTable& table, Site& site) {
  const LayerTensor& tensor = graph.tensor(site.id);
  const auto found = table.ranges.find(tensor.range);
  if (found == table.ranges.end() || found->second.scale > 0.0f ||
      found->second.channels.size() != static_cast<size_t>(tensor.c)) {
    return false;
  }
  const TensorRange& range = found->second;
  site.reach = static_cast<double>(magnitude(range));
  for (const size_t writer : site.writers) {
    const Layer& layer = graph.layers[writer];
    if (!layer.steps.empty() && layer.steps.back().kind == StepKind::kMin) {
      site.reach = std::min(site.reach, static_cast<double>(layer.steps.back().add[0]));
    }
  }
  for (const ChannelRange& channel : range.channels) {
    const double largest = std::max(static_cast<double>(channel.max), -static_cast<double>(channel.min));
    site.channels.push_back(std::min(site.reach, largest));
    site.lows.push_back(std::max(-site.reach, static_cast<double>(channel.min)));
    site.powers.push_back(channel.square / static_cast<double>(range.values_per_channel()));
  }
  return site.reach > 0.0;
}

std::vector<double> factors_of(const Site& site, double exponent) {
  std::vector<double> factors;
  for (const double channel : site.channels) {
    // A channel that was never seen keeps its scale.
    const double part = channel > 0.0 ? std::clamp(channel * kMargin / site.reach, 1.0 / kMostStretch, 1.0) : 1.0;
    factors.push_back(std::pow(part, exponent));
  }
  return factors;
}

/// Width of the values that the tensor must hold once its channels are divided.
double width_of(const Site& site, const std::vector<double>& factors) {
  double low = 0.0;
  double high = 0.0;
  for (size_t c = 0; c < factors.size(); ++c) {
    low = std::min(low, site.lows[c] / factors[c]);
    high = std::max(high, site.channels[c] / factors[c]);
  }
  return high - low;
}

/// Expected squared error behind one reader, up to a common factor: of the activations' steps and of the weights'.
double reader_error(const LayerGraph& graph, const Layer& reader, const Site& site, const std::vector<double>& factors,
                    double width) {
  const auto& conv = std::get<ConvLayer>(reader.body);
  const auto first = static_cast<size_t>(graph.tensor(reader.src).view_of == kNoTensor ? 0 : graph.tensor(reader.src).view_c);
  const size_t taps = static_cast<size_t>(conv.r) * static_cast<size_t>(conv.s);
  const size_t per_kernel = taps * static_cast<size_t>(conv.c);
  constexpr double kSteps = 255.0;
  constexpr double kWeightSteps = 127.0;
  double error = 0.0;
  for (size_t k = 0; k < static_cast<size_t>(conv.k); ++k) {
    double largest = 0.0;
    double activations = 0.0;
    double power = 0.0;
    for (size_t i = 0; i < per_kernel; ++i) {
      const auto weight = static_cast<double>(conv.weights[k * per_kernel + i]);
      if (weight == 0.0) {
        continue;
      }
      const size_t c = first + i / taps;
      const double scaled = weight * factors[c];
      largest = std::max(largest, std::fabs(scaled));
      activations += scaled * scaled;
      power += site.powers[c] / (factors[c] * factors[c]);
    }
    error += activations * (width / kSteps) * (width / kSteps) + power * (largest / kWeightSteps) * (largest / kWeightSteps);
  }
  return error;
}

double error_of(const LayerGraph& graph, const Site& site, const std::vector<double>& factors) {
  const double width = width_of(site, factors);
  double error = 0.0;
  for (const size_t reader : site.readers) {
    error += reader_error(graph, graph.layers[reader], site, factors, width);
  }
  return error;
}

/// Factors of the least error; empty when none is much better than the present state.
std::vector<double> best_factors(const LayerGraph& graph, const Site& site) {
  double least = kWorthwhile * error_of(graph, site, std::vector<double>(site.channels.size(), 1.0));
  std::vector<double> best;
  for (const double exponent : kExponents) {
    std::vector<double> factors = factors_of(site, exponent);
    const double error = error_of(graph, site, factors);
    if (error < least) {
      least = error;
      best = std::move(factors);
    }
  }
  return best;
}

size_t first_channel(const LayerGraph& graph, TensorId id) {
  return graph.tensor(id).view_of == kNoTensor ? 0 : static_cast<size_t>(graph.tensor(id).view_c);
}

void divide_writer(const std::vector<double>& factors, size_t first, Layer& layer) {
  auto& conv = std::get<ConvLayer>(layer.body);
  const size_t per_kernel = conv.weights.size() / static_cast<size_t>(conv.k);
  for (size_t i = 0; i < conv.weights.size(); ++i) {
    conv.weights[i] = static_cast<float>(static_cast<double>(conv.weights[i]) / factors[first + i / per_kernel]);
  }
  for (Step& step : layer.steps) {
    if (step.kind != StepKind::kAffine || step.add.empty()) {
      continue;
    }
    step.add.resize(static_cast<size_t>(conv.k), step.add[0]);
    for (size_t k = 0; k < step.add.size(); ++k) {
      step.add[k] = static_cast<float>(static_cast<double>(step.add[k]) / factors[first + k]);
    }
  }
}

void multiply_reader(const std::vector<double>& factors, size_t first, Layer& layer) {
  auto& conv = std::get<ConvLayer>(layer.body);
  const size_t taps = static_cast<size_t>(conv.r) * static_cast<size_t>(conv.s);
  for (size_t i = 0; i < conv.weights.size(); ++i) {
    const size_t c = first + i / taps % static_cast<size_t>(conv.c);
    conv.weights[i] = static_cast<float>(static_cast<double>(conv.weights[i]) * factors[c]);
  }
}

TensorRange scaled_range(const TensorRange& range, const Site& site, const std::vector<double>& factors) {
  TensorRange result{.values = range.values};
  double reach = 0.0;
  for (size_t c = 0; c < factors.size(); ++c) {
    const ChannelRange& from = range.channels[c];
    const ChannelRange to{static_cast<float>(static_cast<double>(from.min) / factors[c]),
                          static_cast<float>(static_cast<double>(from.max) / factors[c]), from.sum / factors[c],
                          from.square / factors[c] / factors[c]};
    result.min = std::min(result.min, to.min);
    result.max = std::max(result.max, to.max);
    reach = std::max(reach, site.channels[c] / factors[c]);
    result.channels.push_back(to);
  }
  result.reach = static_cast<float>(reach);
  return result;
}

void apply(const Site& site, const std::vector<double>& factors, Equalised& equalised) {
  LayerGraph& graph = equalised.graph;
  for (const size_t writer : site.writers) {
    divide_writer(factors, first_channel(graph, graph.layers[writer].dst), graph.layers[writer]);
  }
  for (const size_t reader : site.readers) {
    multiply_reader(factors, first_channel(graph, graph.layers[reader].src), graph.layers[reader]);
  }
  const std::string name = graph.tensor(site.id).range + "#equalised";
  equalised.table.ranges[name] = scaled_range(equalised.table.ranges.at(graph.tensor(site.id).range), site, factors);
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    LayerTensor& tensor = graph.tensors[i];
    if (root_of(graph, static_cast<TensorId>(i)) == site.id) {
      const auto first = static_cast<std::ptrdiff_t>(first_channel(graph, static_cast<TensorId>(i)));
      tensor.range = name;
      equalised.channel_scale[i].assign(factors.begin() + first, factors.begin() + first + tensor.c);
    }
  }
}

}  // namespace

Equalised equalise(const LayerGraph& graph, const CalibrationTable& table, const std::vector<bool>& keep) {
  Equalised result{graph, table, std::vector<std::vector<float>>(graph.tensors.size())};
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const LayerTensor& tensor = graph.tensors[i];
    Site site{.id = static_cast<TensorId>(i), .writers = {}, .readers = {}, .reach = 0.0, .channels = {}, .lows = {}, .powers = {}};
    if (keep[i] || tensor.view_of != kNoTensor || tensor.role != TensorRole::kIntermediate || !find_layers(result.graph, site) ||
        !find_ranges(result.graph, result.table, site)) {
      continue;
    }
    const std::vector<double> factors = best_factors(result.graph, site);
    if (!factors.empty()) {
      apply(site, factors, result);
    }
  }
  return result;
}

}  // namespace medlar::compiler
