// SPDX-License-Identifier: Apache-2.0
// Orchestration: draft, translate and emit each segment, move what does not fit to the host, assemble the plan.
#include "compiler/compile.hpp"

#include <set>

#include "compiler/back/emit.hpp"
#include "compiler/report.hpp"
#include "compiler/segment.hpp"
#include "import/onnx_export.hpp"

namespace medlar::compiler {
namespace {

Status check_fallback(const Draft& draft, const CompileOptions& options) {
  const std::string list = options.allow_fallback ? std::string{} : refusal_list(draft.graph, draft.assignment);
  if (!list.empty()) {
    return fail(Code::kUnsupported, "not on the DLA, and fallback is off:{}", list);
  }
  return {};
}

std::vector<std::string> names_of(const graph::Graph& graph, const std::vector<graph::ValueId>& values) {
  std::vector<std::string> names;
  for (const graph::ValueId id : values) {
    names.push_back(graph.value(id).name);
  }
  return names;
}

struct DlaSegment {
  Segment segment;
  std::vector<HwOpInfo> ops;
};

Attempt<DlaSegment> build_dla(const Draft& draft, const SegmentNodes& nodes, const CompileOptions& options,
                              const CalibrationTable* table) {
  const auto hardware = translate_segment(draft, nodes, options, table);
  if (!hardware) {
    return tl::unexpected(hardware.error());
  }
  auto emitted = emit_segment(*hardware, *options.config);
  if (!emitted) {
    return tl::unexpected(Setback{emitted.error(), origins_at_fault(hardware->ops, emitted.error())});
  }
  DlaSegment result;
  result.segment.engine = Engine::kDla;
  result.segment.payload = std::move(emitted->loadable);
  result.segment.bindings_in = std::move(emitted->inputs);
  result.segment.bindings_out = std::move(emitted->outputs);
  for (const DlaBinding& binding : result.segment.bindings_in) {
    result.segment.inputs.push_back(binding.tensor);
  }
  for (const DlaBinding& binding : result.segment.bindings_out) {
    result.segment.outputs.push_back(binding.tensor);
  }
  result.ops = std::move(emitted->ops);
  return result;
}

Reason reason_for(Code code) {
  return code == Code::kResourceExhausted ? Reason::kResources
                                          : (code == Code::kNotFound ? Reason::kNoRange : Reason::kAttribute);
}

/// Moves the nodes at fault to the host: those that the message names, else the whole segment.
void demote(Draft& draft, const SegmentNodes& segment, const Setback& setback) {
  const std::set<std::string> origins(setback.origins.begin(), setback.origins.end());
  bool moved = false;
  for (const bool everything : {false, true}) {
    for (const graph::NodeId id : segment.nodes) {
      const auto i = static_cast<size_t>(id);
      bool named = false;
      for (const std::string& origin : draft.graph.nodes[i].origins) {
        named = named || origins.contains(origin);
      }
      if (named || everything) {
        draft.assignment.engine[i] = Engine::kCpu;
        draft.assignment.refusal[i] = Refusal{reason_for(setback.error.code), setback.error.message, ""};
        moved = true;
      }
    }
    if (moved) {
      break;
    }
  }
  demote_islands(draft.graph, draft.assignment);
  draft.segments = cut_segments(draft.graph, draft.assignment.engine);
}

Result<Segment> build_host(const Draft& draft, const SegmentNodes& nodes) {
  Segment segment;
  segment.engine = nodes.engine;
  MEDLAR_ASSIGN(segment.payload, import::export_onnx(draft.graph, nodes.nodes, nodes.inputs, nodes.outputs));
  segment.inputs = names_of(draft.graph, nodes.inputs);
  segment.outputs = names_of(draft.graph, nodes.outputs);
  return segment;
}

/// Values that are known outside of segments: the model's inputs and outputs, and what crosses borders.
std::vector<BoundaryTensor> boundary_tensors(const Draft& draft) {
  std::set<graph::ValueId> values(draft.graph.inputs.begin(), draft.graph.inputs.end());
  values.insert(draft.graph.outputs.begin(), draft.graph.outputs.end());
  for (const SegmentNodes& segment : draft.segments) {
    values.insert(segment.inputs.begin(), segment.inputs.end());
    values.insert(segment.outputs.begin(), segment.outputs.end());
  }
  std::vector<BoundaryTensor> tensors;
  for (const graph::ValueId id : values) {
    const graph::Value& value = draft.graph.value(id);
    tensors.push_back({.name = value.name, .type = value.type, .shape = value.shape.value_or(graph::Shape{})});
  }
  return tensors;
}

/// Builds every segment; a setback of a DLA segment is returned with the segment's index in `failed`.
Attempt<Plan> build_segments(const Draft& draft, const CompileOptions& options, const CalibrationTable* table,
                             size_t& failed) {
  Plan plan;
  for (size_t s = 0; s < draft.segments.size(); ++s) {
    const SegmentNodes& nodes = draft.segments[s];
    failed = s;
    if (nodes.engine == Engine::kDla) {
      auto built = build_dla(draft, nodes, options, table);
      if (!built) {
        return tl::unexpected(std::move(built).error());
      }
      plan.segments.push_back(std::move(built->segment));
      for (HwOpInfo& op : built->ops) {
        op.segment = static_cast<int>(s);
        plan.hw_ops.push_back(std::move(op));
      }
    } else {
      auto built = build_host(draft, nodes);
      if (!built) {
        return tl::unexpected(Setback{std::move(built).error(), {}});
      }
      plan.segments.push_back(std::move(*built));
    }
    plan.segments.back().name = fmt::format("{}{}", engine_name(nodes.engine), s);
  }
  return plan;
}

}  // namespace

std::string_view engine_name(Engine engine) {
  switch (engine) {
    case Engine::kDla: return "dla";
    case Engine::kGpu: return "gpu";
    case Engine::kCpu: return "cpu";
  }
  return "?";
}

Result<Plan> compile(const graph::Graph& graph, const CompileOptions& options, const CalibrationTable* table) {
  MEDLAR_ASSIGN(Draft draft, make_draft(graph, options));
  if (options.precision == hw::Precision::kInt8 && table == nullptr) {
    return fail(Code::kInvalidArgument, "INT8 needs a calibration table");
  }
  MEDLAR_TRY(check_fallback(draft, options));
  size_t failed = 0;
  auto plan = build_segments(draft, options, table, failed);
  while (!plan) {
    // Every round moves at least one node off the DLA, so this ends.
    const SegmentNodes segment = draft.segments[failed];
    if (segment.engine != Engine::kDla || !options.allow_fallback || plan.error().error.code == Code::kInternal ||
        plan.error().error.code == Code::kInvalidArgument) {
      return tl::unexpected(std::move(plan).error().error);
    }
    demote(draft, segment, plan.error());
    plan = build_segments(draft, options, table, failed);
  }
  plan->tensors = boundary_tensors(draft);
  plan->inputs = names_of(draft.graph, draft.graph.inputs);
  plan->outputs = names_of(draft.graph, draft.graph.outputs);
  plan->placements = make_placements({.user = graph, .simplified = draft.graph, .assignment = draft.assignment,
                                      .segments = draft.segments, .precision = options.precision});
  return std::move(*plan);
}

Result<std::vector<Placement>> place(const graph::Graph& graph, const CompileOptions& options) {
  MEDLAR_ASSIGN(const Draft draft, make_draft(graph, options));
  return make_placements({.user = graph, .simplified = draft.graph, .assignment = draft.assignment,
                          .segments = draft.segments, .precision = options.precision});
}

}  // namespace medlar::compiler
