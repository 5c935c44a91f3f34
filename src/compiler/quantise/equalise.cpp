// SPDX-License-Identifier: Apache-2.0
// Choice and application of channel factors.
#include "compiler/quantise/equalise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "compiler/fuse/readers.hpp"

namespace medlar::compiler {
namespace {

/// Room above the largest value seen of a channel: other samples have more, and clipping costs more than rounding.
constexpr double kMargin = 1.25;
/// Channels are stretched by at most so much.
constexpr double kMostStretch = 64.0;
/// Error that must remain for a change to be kept.
constexpr double kWorthwhile = 0.8;
constexpr std::array<double, 4> kExponents{0.25, 0.5, 0.75, 1.0};
/// Where the host takes part, how far channels may be stretched on the side on which the tensor reaches less, in parts of what
/// it reaches there; the last means as far as on the other side.
constexpr std::array<double, 4> kSides{1.0, 4.0, 16.0, 1e9};
constexpr double kSteps = 255.0;
constexpr double kWeightSteps = 127.0;
/// Part of the weights' error that rounding against moments leaves.
constexpr double kCorrelated = 0.25;

/// One of the tensors whose channels are divided by the same factors.
struct Member {
  TensorId id = kNoTensor;
  double reach = 0.0;             ///< Where the tensor saturates now.
  std::vector<double> channels;   ///< The same by channel.
  std::vector<double> lows, highs;  ///< Least and largest value by channel, 0 included.
  std::vector<double> powers;     ///< Mean square by channel.
  double weights_part = 1.0;      ///< Of the error of nearest weights, what remains.
  bool to_host = false;           ///< An output of the segment.
};

/// Tensors that pooling and sums tie together, and the layers around them.
struct Site {
  std::vector<Member> members;
  std::vector<size_t> writers, readers;  ///< Convolutions that make and that read them.
  bool from_host = false, to_host = false;  ///< Members are inputs and outputs of the segment.

  bool at_border() const { return from_host || to_host; }

  size_t size() const { return members.front().channels.size(); }
  const Member* find(TensorId root) const {
    const auto found = std::find_if(members.begin(), members.end(), [&](const Member& member) { return member.id == root; });
    return found == members.end() ? nullptr : &*found;
  }
};

size_t first_channel(const LayerGraph& graph, TensorId id) {
  return graph.tensor(id).view_of == kNoTensor ? 0 : static_cast<size_t>(graph.tensor(id).view_c);
}

/// Both hold the same channels of tensors with as many.
bool aligned(const LayerGraph& graph, TensorId a, TensorId b) {
  return first_channel(graph, a) == first_channel(graph, b) && graph.tensor(a).c == graph.tensor(b).c &&
         graph.tensor(root_of(graph, a)).c == graph.tensor(root_of(graph, b)).c;
}

bool keeps_channels(const Layer& layer) {
  const auto* interleave = std::get_if<InterleaveLayer>(&layer.body);
  return std::holds_alternative<PoolLayer>(layer.body) || (interleave != nullptr && interleave->op.repeat);
}

/// The steps, behind factors by channel, do what they do before them.
bool commutes(const Layer& layer) {
  for (const Step& step : layer.steps) {
    const bool last = &step == &layer.steps.back();
    const bool bound = step.kind == StepKind::kMin && last && step.add[0] > 0.0f;
    const bool relu = step.kind == StepKind::kRelu || (step.kind == StepKind::kMax && step.add[0] == 0.0f);
    const bool linear = step.kind == StepKind::kAffine || step.kind == StepKind::kPrelu;
    const bool tied = !step.spread && (step.kind == StepKind::kAddTensor || step.kind == StepKind::kMaxTensor ||
                                       step.kind == StepKind::kMinTensor);
    if (!(bound || relu || linear || tied)) {
      return false;
    }
  }
  return true;
}

/// Tensors that a layer ties to the one that it writes.
std::vector<TensorId> tied_to_result(const Layer& layer) {
  std::vector<TensorId> tied;
  if (keeps_channels(layer) || std::holds_alternative<SdpLayer>(layer.body)) {
    tied.push_back(layer.src);
  }
  for (const Step& step : layer.steps) {
    if (step.operand != kNoTensor) {
      tied.push_back(step.operand);
    }
  }
  return tied;
}

/// Adds the roots that the layers tie to those known; false where a layer does not commute with factors.
bool grow(const LayerGraph& graph, std::vector<TensorId>& roots) {
  const auto known = [&](TensorId id) { return std::find(roots.begin(), roots.end(), root_of(graph, id)) != roots.end(); };
  for (bool changed = true; changed;) {
    changed = false;
    for (const Layer& layer : graph.layers) {
      const std::vector<TensorId> tied = tied_to_result(layer);
      const bool touched = known(layer.dst) || std::any_of(tied.begin(), tied.end(), known);
      if (!touched) {
        continue;
      }
      for (const TensorId id : tied) {
        if (!commutes(layer) || !aligned(graph, id, layer.dst)) {
          return false;
        }
        for (const TensorId root : {root_of(graph, id), root_of(graph, layer.dst)}) {
          if (std::find(roots.begin(), roots.end(), root) == roots.end()) {
            roots.push_back(root);
            changed = true;
          }
        }
      }
    }
  }
  return true;
}

bool dense(const Layer& layer) {
  const auto* conv = std::get_if<ConvLayer>(&layer.body);
  return conv != nullptr && conv->groups == 1;
}

/// The layers around the members, or false when one of them does not commute with factors.
bool find_layers(const LayerGraph& graph, Site& site) {
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    const Layer& layer = graph.layers[i];
    const bool conv = std::holds_alternative<ConvLayer>(layer.body);
    const bool within = keeps_channels(layer) || std::holds_alternative<SdpLayer>(layer.body);
    const bool writes = site.find(root_of(graph, layer.dst)) != nullptr;
    const bool reads = site.find(root_of(graph, layer.src)) != nullptr;
    if ((writes && !commutes(layer)) || ((writes || reads) && !within && !dense(layer))) {
      return false;
    }
    if (conv && writes) {
      site.writers.push_back(i);
    }
    if (conv && reads) {
      site.readers.push_back(i);
    }
  }
  return (site.from_host || !site.writers.empty()) && (site.to_host || !site.readers.empty());
}

bool find_ranges(const LayerGraph& graph, const CalibrationTable& table, Member& member) {
  const LayerTensor& tensor = graph.tensor(member.id);
  const auto found = table.ranges.find(tensor.range);
  if (found == table.ranges.end() || found->second.scale > 0.0f ||
      found->second.channels.size() != static_cast<size_t>(tensor.c)) {
    return false;
  }
  const TensorRange& range = found->second;
  member.reach = static_cast<double>(magnitude(range));
  member.weights_part = range.moments != nullptr ? kCorrelated : 1.0;
  for (const Layer& layer : graph.layers) {
    if (root_of(graph, layer.dst) == member.id && !layer.steps.empty() && layer.steps.back().kind == StepKind::kMin) {
      member.reach = std::min(member.reach, static_cast<double>(layer.steps.back().add[0]));
    }
  }
  for (const ChannelRange& channel : range.channels) {
    const double largest = std::max(static_cast<double>(channel.max), -static_cast<double>(channel.min));
    member.channels.push_back(std::min(member.reach, largest));
    member.lows.push_back(std::clamp(static_cast<double>(channel.min), -member.reach, 0.0));
    member.highs.push_back(std::clamp(static_cast<double>(channel.max), 0.0, member.reach));
    member.powers.push_back(channel.square / static_cast<double>(range.values_per_channel()));
  }
  return member.reach > 0.0;
}

/// What part of the box from -low to high a channel takes up.
struct Box {
  double low = 0.0, high = 0.0;

  double part(const Member& member, size_t c) const {
    return std::max(high > 0.0 ? member.highs[c] / high : 0.0, low > 0.0 ? -member.lows[c] / low : 0.0);
  }
};

Box box_of(const Member& member, double side) {
  const double low = -*std::min_element(member.lows.begin(), member.lows.end());
  const double high = *std::max_element(member.highs.begin(), member.highs.end());
  return {std::min(side * low, std::max(low, high)), std::min(side * high, std::max(low, high))};
}

std::vector<double> factors_of(const Site& site, double exponent, double side) {
  std::vector<Box> boxes;
  for (const Member& member : site.members) {
    boxes.push_back(side == kSides.back() ? Box{member.reach, member.reach} : box_of(member, side));
  }
  std::vector<double> factors;
  for (size_t c = 0; c < site.size(); ++c) {
    double part = 0.0;
    for (size_t m = 0; m < boxes.size(); ++m) {
      part = std::max(part, boxes[m].part(site.members[m], c) * kMargin);
    }
    // A channel that was never seen keeps its scale.
    factors.push_back(part > 0.0 ? std::pow(std::clamp(part, 1.0 / kMostStretch, 1.0), exponent) : 1.0);
  }
  return factors;
}

/// Width of the values that the tensor must hold once its channels are divided.
double width_of(const Member& member, const std::vector<double>& factors, bool exact) {
  double low = 0.0;
  double high = 0.0;
  for (size_t c = 0; c < factors.size(); ++c) {
    low = std::min(low, member.lows[c] / factors[c]);
    high = std::max(high, (exact ? member.highs[c] : member.channels[c]) / factors[c]);
  }
  return high - low;
}

/// Expected squared error behind one reader, up to a common factor: of the activations' steps and of the weights'.
double reader_error(const LayerGraph& graph, const Layer& reader, const Member& member, const std::vector<double>& factors,
                    double width) {
  const auto& conv = std::get<ConvLayer>(reader.body);
  const size_t first = first_channel(graph, reader.src);
  const size_t taps = static_cast<size_t>(conv.r) * static_cast<size_t>(conv.s);
  const size_t per_kernel = taps * static_cast<size_t>(conv.c);
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
      power += member.powers[c] / (factors[c] * factors[c]);
    }
    error += activations * (width / kSteps) * (width / kSteps) +
             member.weights_part * power * (largest / kWeightSteps) * (largest / kWeightSteps);
  }
  return error;
}

/// Behind the host, which reads every channel as it is.
double host_error(const Member& member, const std::vector<double>& factors) {
  double error = 0.0;
  for (const double factor : factors) {
    error += factor * factor;
  }
  const double width = width_of(member, factors, true);
  return error * width * width;
}

/// By reader, so that large and small tensors of a site count alike.
std::vector<double> errors_of(const LayerGraph& graph, const Site& site, const std::vector<double>& factors) {
  std::vector<double> errors;
  for (const size_t reader : site.readers) {
    const Member& member = *site.find(root_of(graph, graph.layers[reader].src));
    errors.push_back(reader_error(graph, graph.layers[reader], member, factors, width_of(member, factors, site.at_border())));
  }
  for (const Member& member : site.members) {
    if (member.to_host) {
      errors.push_back(host_error(member, factors));
    }
  }
  return errors;
}

/// Factors of the least mean error, relative to the present one; empty when none is much better.
std::vector<double> best_factors(const LayerGraph& graph, const Site& site) {
  const std::vector<double> present = errors_of(graph, site, std::vector<double>(site.size(), 1.0));
  double least = kWorthwhile;
  std::vector<double> best;
  for (const double side : kSides) {
    if (side != kSides.back() && !site.at_border()) {
      continue;
    }
    for (const double exponent : kExponents) {
      std::vector<double> factors = factors_of(site, exponent, side);
      const std::vector<double> errors = errors_of(graph, site, factors);
      double mean = 0.0;
      for (size_t i = 0; i < errors.size(); ++i) {
        mean += (present[i] > 0.0 ? errors[i] / present[i] : 1.0) / static_cast<double>(errors.size());
      }
      if (mean < least) {
        least = mean;
        best = std::move(factors);
      }
    }
  }
  return best;
}

void divide_addends(const std::vector<double>& factors, size_t first, size_t channels, Layer& layer) {
  for (Step& step : layer.steps) {
    if (step.kind != StepKind::kAffine || step.add.empty()) {
      continue;
    }
    step.add.resize(channels, step.add[0]);
    for (size_t k = 0; k < channels; ++k) {
      step.add[k] = static_cast<float>(static_cast<double>(step.add[k]) / factors[first + k]);
    }
  }
}

void divide_writer(const std::vector<double>& factors, size_t first, Layer& layer) {
  auto& conv = std::get<ConvLayer>(layer.body);
  const size_t per_kernel = conv.weights.size() / static_cast<size_t>(conv.k);
  for (size_t i = 0; i < conv.weights.size(); ++i) {
    conv.weights[i] = static_cast<float>(static_cast<double>(conv.weights[i]) / factors[first + i / per_kernel]);
  }
  divide_addends(factors, first, static_cast<size_t>(conv.k), layer);
}

void multiply_reader(const std::vector<double>& factors, size_t first, Layer& layer) {
  auto& conv = std::get<ConvLayer>(layer.body);
  const size_t taps = static_cast<size_t>(conv.r) * static_cast<size_t>(conv.s);
  for (size_t i = 0; i < conv.weights.size(); ++i) {
    const size_t c = first + i / taps % static_cast<size_t>(conv.c);
    conv.weights[i] = static_cast<float>(static_cast<double>(conv.weights[i]) * factors[c]);
  }
}

TensorRange scaled_range(const TensorRange& range, const Member& member, const std::vector<double>& factors) {
  TensorRange result{.values = range.values, .moments = range.moments};  // those of the undivided channels
  double reach = 0.0;
  for (size_t c = 0; c < factors.size(); ++c) {
    const ChannelRange& from = range.channels[c];
    const ChannelRange to{static_cast<float>(static_cast<double>(from.min) / factors[c]),
                          static_cast<float>(static_cast<double>(from.max) / factors[c]), from.sum / factors[c],
                          from.square / factors[c] / factors[c]};
    result.min = std::min(result.min, to.min);
    result.max = std::max(result.max, to.max);
    reach = std::max(reach, member.channels[c] / factors[c]);
    result.channels.push_back(to);
  }
  result.reach = static_cast<float>(reach);
  return result;
}

void scale_tensor(const Member& member, const std::vector<double>& factors, Equalised& equalised) {
  LayerGraph& graph = equalised.graph;
  const std::string name = graph.tensor(member.id).range + "#equalised";
  equalised.table.ranges[name] = scaled_range(equalised.table.ranges.at(graph.tensor(member.id).range), member, factors);
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    LayerTensor& tensor = graph.tensors[i];
    if (root_of(graph, static_cast<TensorId>(i)) == member.id) {
      const auto first = static_cast<std::ptrdiff_t>(first_channel(graph, static_cast<TensorId>(i)));
      tensor.range = name;
      equalised.channel_scale[i].assign(factors.begin() + first, factors.begin() + first + tensor.c);
    }
  }
}

void apply(const Site& site, const std::vector<double>& factors, Equalised& equalised) {
  LayerGraph& graph = equalised.graph;
  for (const size_t writer : site.writers) {
    divide_writer(factors, first_channel(graph, graph.layers[writer].dst), graph.layers[writer]);
  }
  for (Layer& layer : graph.layers) {
    const bool alone = std::holds_alternative<SdpLayer>(layer.body) && site.find(root_of(graph, layer.dst)) != nullptr;
    if (alone) {
      divide_addends(factors, first_channel(graph, layer.dst), static_cast<size_t>(graph.tensor(layer.dst).c), layer);
    }
  }
  for (const size_t reader : site.readers) {
    multiply_reader(factors, first_channel(graph, graph.layers[reader].src), graph.layers[reader]);
  }
  for (const Member& member : site.members) {
    scale_tensor(member, factors, equalised);
  }
}

/// Whether the tensors of one storage may be scaled: the host takes part in inputs and outputs at borders alone.
bool scalable(const LayerGraph& graph, TensorId root, const std::set<std::string>& borders, Site& site, Member& member) {
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const LayerTensor& tensor = graph.tensors[i];
    if (root_of(graph, static_cast<TensorId>(i)) != root || tensor.role == TensorRole::kIntermediate) {
      continue;
    }
    if (tensor.role == TensorRole::kConstant || !borders.contains(tensor.name)) {
      return false;
    }
    site.from_host = site.from_host || tensor.role == TensorRole::kInput;
    site.to_host = site.to_host || tensor.role == TensorRole::kOutput;
    member.to_host = member.to_host || tensor.role == TensorRole::kOutput;
  }
  return graph.tensor(root).reach <= 0.0f;
}

/// The site around a tensor, or nothing where its channels cannot be divided.
std::optional<Site> site_of(const Equalised& state, TensorId id, const std::vector<bool>& keep, const std::set<std::string>& borders) {
  std::vector<TensorId> roots{id};
  if (!grow(state.graph, roots)) {
    return std::nullopt;
  }
  Site site;
  for (const TensorId root : roots) {
    Member member{.id = root, .reach = 0.0, .channels = {}, .lows = {}, .highs = {}, .powers = {}};
    if (keep[static_cast<size_t>(root)] || !scalable(state.graph, root, borders, site, member) ||
        !find_ranges(state.graph, state.table, member)) {
      return std::nullopt;
    }
    site.members.push_back(std::move(member));
  }
  return find_layers(state.graph, site) ? std::optional(std::move(site)) : std::nullopt;
}

}  // namespace

Equalised equalise(const LayerGraph& graph, const CalibrationTable& table, const std::vector<bool>& keep,
                   const std::set<std::string>& borders) {
  Equalised result{graph, table, std::vector<std::vector<float>>(graph.tensors.size())};
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    if (graph.tensors[i].view_of != kNoTensor || !result.channel_scale[i].empty()) {
      continue;
    }
    const std::optional<Site> site = site_of(result, static_cast<TensorId>(i), keep, borders);
    if (!site) {
      continue;
    }
    const std::vector<double> factors = best_factors(result.graph, *site);
    if (!factors.empty()) {
      apply(*site, factors, result);
    }
  }
  return result;
}

}  // namespace medlar::compiler
