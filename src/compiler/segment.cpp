// SPDX-License-Identifier: Apache-2.0
// Draft of a plan, and the translation of its DLA segments.
#include "compiler/segment.hpp"

#include "compiler/fuse/fuse.hpp"
#include "compiler/legalise/legalise.hpp"
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
  MEDLAR_TRY(simplify(draft.graph, options.evaluator));
  anchor_outputs(draft.graph);
  const Question question{.graph = draft.graph, .config = *options.config, .precision = options.precision};
  for (const graph::Node& node : draft.graph.nodes) {
    draft.verdicts.push_back(check_node(question, node));
  }
  MEDLAR_TRY(divide(draft, options));
  return draft;
}

Status divide(Draft& draft, const CompileOptions& options) {
  MEDLAR_ASSIGN(Partition parts, partition({.graph = draft.graph,
                                            .verdicts = draft.verdicts,
                                            .costs = options.costs,
                                            .rules = options.engines,
                                            .allow_fallback = options.allow_fallback}));
  draft.assignment = std::move(parts.assignment);
  draft.segments = std::move(parts.segments);
  return {};
}

Attempt<HwGraph> translate_segment(const Draft& draft, const SegmentNodes& nodes, const CompileOptions& options,
                                   const CalibrationTable* table) {
  const Question question{.graph = draft.graph, .config = *options.config, .precision = options.precision};
  auto layers = lower_segment(question, nodes.nodes, nodes.outputs);
  if (!layers) {
    return tl::unexpected(Setback{layers.error(), {}, std::nullopt});
  }
  fuse(*layers, {.config = *options.config, .precision = options.precision});
  auto hardware = quantise(*layers, {.config = *options.config, .precision = options.precision, .table = table});
  if (!hardware) {
    return tl::unexpected(Setback{hardware.error(), origins_at_fault(layers->layers, hardware.error()), std::nullopt});
  }
  return std::move(*hardware);
}

}  // namespace medlar::compiler
