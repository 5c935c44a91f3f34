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

Result<Assignment> assign_engines(const graph::Graph& graph, const CompileOptions& options) {
  const Question question{.graph = graph, .config = *options.config, .precision = options.precision};
  Assignment assignment;
  for (const graph::Node& node : graph.nodes) {
    Verdict verdict = check_node(question, node);
    const auto wish = options.engines.find(node.name);
    if (!verdict && wish != options.engines.end() && wish->second != Engine::kDla) {
      verdict = Refusal{Reason::kOnRequest, std::string(engine_name(wish->second)), ""};
    }
    const Engine host = wish != options.engines.end() && wish->second == Engine::kGpu ? Engine::kGpu : Engine::kCpu;
    assignment.engine.push_back(verdict ? host : Engine::kDla);
    assignment.refusal.push_back(std::move(verdict));
  }
  return assignment;
}

}  // namespace

Result<Draft> make_draft(const graph::Graph& user, const CompileOptions& options) {
  MEDLAR_TRY(check_options(options));
  Draft draft{.graph = user, .assignment = {}, .segments = {}};
  for (graph::Node& node : draft.graph.nodes) {
    if (node.origins.empty()) {
      node.origins = {node.name};
    }
  }
  MEDLAR_TRY(simplify(draft.graph, options.evaluator));
  anchor_outputs(draft.graph);
  MEDLAR_ASSIGN(draft.assignment, assign_engines(draft.graph, options));
  demote_islands(draft.graph, draft.assignment);
  draft.segments = cut_segments(draft.graph, draft.assignment.engine);
  return draft;
}

Attempt<HwGraph> translate_segment(const Draft& draft, const SegmentNodes& nodes, const CompileOptions& options,
                                   const CalibrationTable* table) {
  const Question question{.graph = draft.graph, .config = *options.config, .precision = options.precision};
  auto layers = lower_segment(question, nodes.nodes, nodes.outputs);
  if (!layers) {
    return tl::unexpected(Setback{layers.error(), {}});
  }
  fuse(*layers, {.config = *options.config, .precision = options.precision});
  auto hardware = quantise(*layers, {.config = *options.config, .precision = options.precision, .table = table});
  if (!hardware) {
    return tl::unexpected(Setback{hardware.error(), origins_at_fault(layers->layers, hardware.error())});
  }
  return std::move(*hardware);
}

}  // namespace medlar::compiler
