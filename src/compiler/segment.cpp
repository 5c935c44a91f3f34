// SPDX-License-Identifier: Apache-2.0
// Draft of a plan, and the translation of its DLA segments.
#include "compiler/segment.hpp"

#include <algorithm>
#include <map>

#include "compiler/fuse/fuse.hpp"
#include "compiler/legalise/legalise.hpp"
#include "compiler/quantise/equalise.hpp"
#include "compiler/quantise/quantise.hpp"
#include "compiler/simplify/simplify.hpp"

namespace medlar::compiler {
namespace {

Status check_options(const CompileOptions& options) {
  if (options.config == nullptr) {
    return fail(Code::kInvalidArgument, "no hardware configuration");
  }
  if (options.precision == hw::Precision::kInt16) {
    return fail(Code::kUnsupported, "precision int16: build for int8 or fp16");
  }
  return {};
}

/// A graph output that no node computes (an input or a constant passed through) gets an Identity on the host.
void anchor_outputs(graph::Graph& graph) {
  const auto makers = graph::producers(graph);
  for (const graph::ValueId id : graph.outputs) {
    if (makers[static_cast<size_t>(id)] != graph::kNoValue || !graph.value(id).is_constant()) {
      continue;
    }
    graph::Value source = graph.value(id);
    source.name += "/constant";
    graph.value(id).data = nullptr;
    const std::string name = graph.value(id).name + "/identity";
    const graph::ValueId constant = graph::add_value(graph, std::move(source));
    graph.nodes.push_back({.name = name, .op_type = "Identity", .domain = "", .inputs = {constant}, .outputs = {id},
                           .attributes = {}, .origins = {name}});
  }
}

/// Every tensor with storage of its own becomes an output.
void expose_tensors(HwGraph& graph) {
  for (HwTensor& tensor : graph.tensors) {
    if (tensor.role == TensorRole::kIntermediate && tensor.view_of == kNoTensor) {
      tensor.role = TensorRole::kOutput;
    }
  }
}

/// Copies that lowering adds for outputs belong to the node that makes the output.
void name_copies(const graph::Graph& graph, LayerGraph& layers) {
  const auto makers = graph::producers(graph);
  for (Layer& layer : layers.layers) {
    const auto value = layer.origins.empty() ? graph::find_value(graph, layers.tensor(layer.dst).name) : std::nullopt;
    if (value && makers[static_cast<size_t>(*value)] != graph::kNoValue) {
      layer.origins = graph.nodes[static_cast<size_t>(makers[static_cast<size_t>(*value)])].origins;
    }
  }
}

Verdict accuracy_verdict(const graph::Node& node, const std::map<std::string, std::string>& host_nodes) {
  for (const std::string& origin : node.origins) {
    if (const auto found = host_nodes.find(origin); found != host_nodes.end()) {
      return Refusal{Reason::kAccuracy, found->second, "--accuracy-budget 1 keeps it there"};
    }
  }
  return std::nullopt;
}

Result<LayerGraph> fused_layers(const Draft& draft, const SegmentNodes& nodes, const CompileOptions& options) {
  const Question question{.graph = draft.graph, .config = *options.config, .precision = options.precision, .halves = &options.fp16_nodes};
  MEDLAR_ASSIGN(LayerGraph layers, lower_segment(question, nodes.nodes, nodes.outputs));
  name_copies(draft.graph, layers);
  fuse(layers, {.config = *options.config, .precision = options.precision});
  return layers;
}

}  // namespace

Result<Draft> make_draft(const graph::Graph& user, const CompileOptions& options) {
  MEDLAR_TRY(check_options(options));
  MEDLAR_TRY(check_rules(options.engines, options.user != nullptr ? *options.user : user));
  Draft draft{.graph = user, .verdicts = {}, .assignment = {}, .segments = {}};
  for (graph::Node& node : draft.graph.nodes) {
    if (node.origins.empty()) {
      node.origins = {node.name};
    }
  }
  MEDLAR_TRY(simplify(draft.graph, options.precision, options.evaluator));
  anchor_outputs(draft.graph);
  const Question question{.graph = draft.graph, .config = *options.config, .precision = options.precision, .halves = &options.fp16_nodes};
  for (const graph::Node& node : draft.graph.nodes) {
    draft.verdicts.push_back(check_node(question, node));
    if (!draft.verdicts.back()) {
      draft.verdicts.back() = accuracy_verdict(node, options.host_nodes);
    }
  }
  MEDLAR_TRY(divide(draft, options));
  return draft;
}

namespace {

/// Segments of the DLA that multiply nothing, between host segments: boxes decoded from a detector's heads, say. In INT8 their
/// coordinates would be rounded to 8 bits, and no time is won that the borders do not cost.
class RoundingOnly {
 public:
  RoundingOnly(const Draft& draft, const std::vector<EngineRule>& rules)
      : draft_(draft), rules_(rules), makers_(graph::producers(draft.graph)), readers_(graph::consumers(draft.graph)) {}

  bool operator()(const SegmentNodes& segment) const {
    const auto made_on_host = [&](graph::ValueId id) { return on_host(makers_[static_cast<size_t>(id)]); };
    const auto left_to_host = [&](graph::ValueId id) { return left_to_the_host(id, segment); };
    const auto light = [&](graph::NodeId id) {
      const graph::Node& node = draft_.graph.nodes[static_cast<size_t>(id)];
      return !graph::is_product(node) && !wish_for(rules_, node);
    };
    return segment.engine == Engine::kDla && std::all_of(segment.inputs.begin(), segment.inputs.end(), made_on_host) &&
           std::all_of(segment.outputs.begin(), segment.outputs.end(), left_to_host) &&
           std::all_of(segment.nodes.begin(), segment.nodes.end(), light);
  }

 private:
  bool on_host(graph::NodeId id) const {
    return id != graph::kNoValue && draft_.assignment.engine[static_cast<size_t>(id)] != Engine::kDla;
  }
  /// Whatever reads it outside of the segment is on the host.
  bool left_to_the_host(graph::ValueId id, const SegmentNodes& segment) const {
    const auto& own = readers_[static_cast<size_t>(id)];
    return std::all_of(own.begin(), own.end(), [&](graph::NodeId reader) {
      return on_host(reader) || std::find(segment.nodes.begin(), segment.nodes.end(), reader) != segment.nodes.end();
    });
  }

  const Draft& draft_;
  const std::vector<EngineRule>& rules_;
  std::vector<graph::NodeId> makers_;
  std::vector<std::vector<graph::NodeId>> readers_;
};

/// An elementwise node that joins tensors which the host has all: some it made, the others it read to make them, as SiLU's product
/// behind a Sigmoid that the DLA lacks. There the node would wait for the host and read a tensor rounded to 8 bits.
bool joins_on_host(const Draft& draft, graph::NodeId id, const std::vector<graph::NodeId>& makers,
                   const std::vector<std::vector<graph::NodeId>>& readers) {
  const auto on_host = [&](graph::NodeId node) {
    return node != graph::kNoValue && draft.assignment.engine[static_cast<size_t>(node)] != Engine::kDla;
  };
  const graph::Node& node = draft.graph.nodes[static_cast<size_t>(id)];
  size_t made = 0;
  size_t read = 0;
  for (const graph::ValueId input : node.inputs) {
    if (input == graph::kNoValue || draft.graph.value(input).is_constant()) {
      continue;
    }
    const auto& of_input = readers[static_cast<size_t>(input)];
    if (on_host(makers[static_cast<size_t>(input)])) {
      ++made;
    } else if (std::any_of(of_input.begin(), of_input.end(), on_host)) {
      ++read;
    } else {
      return false;
    }
  }
  const bool elementwise = node.op_type == "Mul" || node.op_type == "Add" || node.op_type == "Sub";
  return !on_host(id) && elementwise && made > 0 && read > 0;
}

/// Refuses the nodes of such segments, and those; true when there were any.
bool refuse_rounding(Draft& draft, const CompileOptions& options) {
  const RoundingOnly rounds(draft, options.engines);
  bool any = false;
  for (const SegmentNodes& segment : draft.segments) {
    if (rounds(segment)) {
      any = true;
      for (const graph::NodeId id : segment.nodes) {
        draft.verdicts[static_cast<size_t>(id)] = Refusal{Reason::kRounding, "", ""};
      }
    }
  }
  const auto makers = graph::producers(draft.graph);
  const auto readers = graph::consumers(draft.graph);
  for (size_t i = 0; i < draft.graph.nodes.size(); ++i) {
    if (joins_on_host(draft, static_cast<graph::NodeId>(i), makers, readers) && !wish_for(options.engines, draft.graph.nodes[i])) {
      any = true;
      draft.verdicts[i] = Refusal{Reason::kRounding, "its operands are on the host", ""};
    }
  }
  return any;
}

}  // namespace

Status divide(Draft& draft, const CompileOptions& options) {
  const bool judged = options.precision == hw::Precision::kInt8 && options.allow_fallback;
  do {
    MEDLAR_ASSIGN(Partition parts, partition({.graph = draft.graph,
                                              .verdicts = draft.verdicts,
                                              .costs = options.costs,
                                              .rules = options.engines,
                                              .allow_fallback = options.allow_fallback}));
    draft.assignment = std::move(parts.assignment);
    draft.segments = std::move(parts.segments);
  } while (judged && refuse_rounding(draft, options));
  return {};
}

namespace {

const std::string& stored_range(const LayerGraph& layers, TensorId id) {
  const LayerTensor& tensor = layers.tensor(id);
  return tensor.view_of == kNoTensor ? tensor.range : layers.tensor(tensor.view_of).range;
}

/// What INT8 will divide the channels of a segment's tensors by, by tensor.
struct Division {
  const LayerGraph& layers;
  Equalised equalised;

  void note(TensorId id, StoredTensor& stored) const {
    const LayerTensor& tensor = layers.tensor(id);
    const TensorId root = tensor.view_of == kNoTensor ? id : tensor.view_of;
    if (equalised.channel_scale.empty() || equalised.channel_scale[static_cast<size_t>(root)].empty()) {
      return;
    }
    stored.channel_scale = equalised.channel_scale[static_cast<size_t>(root)];
    stored.divided = equalised.table.ranges.at(equalised.graph.tensor(root).range);
  }
};

void add_reader(size_t reader, std::vector<size_t>& readers) {
  if (std::find(readers.begin(), readers.end(), reader) == readers.end()) {
    readers.push_back(reader);
  }
}

/// Adds what the layers of one segment write and read.
void add_stored(const Division& division, std::map<std::string, size_t>& known, std::vector<StoredTensor>& stored) {
  const LayerGraph& layers = division.layers;
  for (const Layer& layer : layers.layers) {
    const std::string& range = stored_range(layers, layer.dst);
    const auto [at, fresh] = known.emplace(range, stored.size());
    if (fresh) {
      stored.push_back({range, {}, {}, 0, 0});
      division.note(layer.dst, stored.back());
    }
    StoredTensor& tensor = stored[at->second];
    tensor.origins.insert(tensor.origins.end(), layer.origins.begin(), layer.origins.end());
    tensor.macs += macs_of(layers, layer);
    const LayerTensor& dst = layers.tensor(layer.dst);
    tensor.values += static_cast<uint64_t>(dst.w) * static_cast<uint64_t>(dst.h) * static_cast<uint64_t>(dst.c);
    std::vector<TensorId> reads{layer.src};
    for (const Step& step : layer.steps) {
      if (step.operand != kNoTensor) {
        reads.push_back(step.operand);
      }
    }
    for (const TensorId id : reads) {
      const auto source = known.find(stored_range(layers, id));
      if (source != known.end() && source->second != at->second) {
        add_reader(at->second, stored[source->second].readers);
      }
    }
  }
}

/// Inputs that the host writes and outputs that it alone reads: neither the model's own nor another DLA segment's. None where layers can
/// stay in FP16, which costs no conversion by channels and is how such devices keep their accuracy.
std::set<std::string> host_borders(const Draft& draft, const SegmentNodes& nodes, const hw::HwConfig& config) {
  if (config.supports(hw::Precision::kFp16)) {
    return {};
  }
  const auto makers = graph::producers(draft.graph);
  const auto readers = graph::consumers(draft.graph);
  const std::set<graph::NodeId> own(nodes.nodes.begin(), nodes.nodes.end());
  const auto on_dla = [&](graph::NodeId id) { return draft.assignment.engine[static_cast<size_t>(id)] == Engine::kDla; };
  std::set<std::string> borders;
  for (const graph::ValueId id : nodes.inputs) {
    const graph::NodeId maker = makers[static_cast<size_t>(id)];
    if (maker != graph::kNoValue && !on_dla(maker)) {
      borders.insert(draft.graph.value(id).name);
    }
  }
  const std::set<graph::ValueId> results(draft.graph.outputs.begin(), draft.graph.outputs.end());
  for (const graph::ValueId id : nodes.outputs) {
    const auto& of_value = readers[static_cast<size_t>(id)];
    const bool to_dla = std::any_of(of_value.begin(), of_value.end(), [&](graph::NodeId reader) { return on_dla(reader) && !own.contains(reader); });
    if (!to_dla && !results.contains(id)) {
      borders.insert(draft.graph.value(id).name);
    }
  }
  return borders;
}

/// Adds what the host hands to one segment.
void add_handed(const Division& division, const std::set<std::string>& borders, std::vector<StoredTensor>& handed) {
  for (size_t i = 0; i < division.layers.tensors.size(); ++i) {
    const LayerTensor& tensor = division.layers.tensors[i];
    if (tensor.role == TensorRole::kInput && borders.contains(tensor.name)) {
      handed.push_back({tensor.range, {}, {}, 0, 0});
      division.note(static_cast<TensorId>(i), handed.back());
    }
  }
}

}  // namespace

Result<Survey> survey(const graph::Graph& graph, const CompileOptions& options, const CalibrationTable* table) {
  MEDLAR_ASSIGN(Draft draft, make_draft(graph, options));
  Survey result{.draft = std::move(draft), .stored = {}, .handed = {}};
  const CalibrationTable ranges = table != nullptr ? spread_ranges(result.draft.graph, *table) : CalibrationTable{};
  std::map<std::string, size_t> known;
  for (const SegmentNodes& nodes : result.draft.segments) {
    const auto layers = nodes.engine == Engine::kDla ? fused_layers(result.draft, nodes, options) : Result<LayerGraph>(LayerGraph{});
    if (!layers) {
      continue;
    }
    const std::set<std::string> borders = host_borders(result.draft, nodes, *options.config);
    const Division division{*layers, table != nullptr ? equalise(*layers, ranges, std::vector<bool>(layers->tensors.size(), false), borders) : Equalised{}};
    add_stored(division, known, result.stored);
    add_handed(division, borders, result.handed);
  }
  return result;
}

Attempt<HwGraph> translate_segment(const Draft& draft, const SegmentNodes& nodes, const CompileOptions& options,
                                   const CalibrationTable* table) {
  auto layers = fused_layers(draft, nodes, options);
  if (!layers) {
    return tl::unexpected(Setback{layers.error(), {}, std::nullopt});
  }
  auto hardware = quantise(*layers, {.config = *options.config, .precision = options.precision, .table = table,
                                     .fp16_nodes = &options.fp16_nodes, .borders = host_borders(draft, nodes, *options.config)});
  if (!hardware) {
    return tl::unexpected(Setback{hardware.error(), origins_at_fault(layers->layers, hardware.error()), std::nullopt});
  }
  if (options.probe) {
    expose_tensors(*hardware);
  }
  return std::move(*hardware);
}

}  // namespace medlar::compiler
