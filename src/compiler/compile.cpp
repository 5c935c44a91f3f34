// SPDX-License-Identifier: Apache-2.0
// Orchestration: draft, translate and emit each segment, move what does not fit to the host, assemble the plan.
#include "compiler/compile.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "compiler/accounting.hpp"
#include "compiler/back/emit.hpp"
#include "compiler/report.hpp"
#include "compiler/segment.hpp"
#include "compiler/simplify/simplify.hpp"
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

/// Names the operation with the largest share of what is too much: without it the segment is smaller, or two.
Setback too_much_memory(const HwGraph& graph, std::string message, uint64_t (*share)(const HwGraph&, const HwOp&)) {
  const auto largest = std::max_element(graph.ops.begin(), graph.ops.end(),
                                        [&](const HwOp& a, const HwOp& b) { return share(graph, a) < share(graph, b); });
  return Setback{Error{Code::kResourceExhausted, std::move(message)}, largest->origins, Reason::kMemory};
}

uint64_t result_bytes(const HwGraph& graph, const HwOp& op) {
  const HwTensor& t = graph.tensors[static_cast<size_t>(op.dst)];
  const uint64_t bytes = uint64_t{hw::bytes_per_element(t.precision)} * static_cast<uint64_t>(t.w) * static_cast<uint64_t>(t.h) * static_cast<uint64_t>(t.c);
  return t.role == TensorRole::kIntermediate ? bytes : 0;
}

uint64_t weight_count(const HwGraph&, const HwOp& op) {
  const auto* conv = std::get_if<ConvOp>(&op.body);
  return conv == nullptr ? 0 : conv->weights.integers.size() + conv->weights.halves.size();
}

std::optional<Setback> check_memory(const HwGraph& graph, const MemoryUse& memory, const CompileOptions& options) {
  if (memory.intermediate > options.max_intermediate_bytes) {
    return too_much_memory(graph, fmt::format("{} bytes of intermediate tensors, limit {}", memory.intermediate, options.max_intermediate_bytes),
                           result_bytes);
  }
  if (memory.weights > options.max_weight_bytes) {
    return too_much_memory(graph, fmt::format("{} bytes of weights, limit {}", memory.weights, options.max_weight_bytes), weight_count);
  }
  return std::nullopt;
}

Attempt<DlaSegment> build_dla(const Draft& draft, const SegmentNodes& nodes, const CompileOptions& options,
                              const CalibrationTable* table, const EmitOptions& emit) {
  const auto hardware = translate_segment(draft, nodes, options, table);
  if (!hardware) {
    return tl::unexpected(hardware.error());
  }
  auto emitted = emit_segment(*hardware, *options.config, emit);
  if (!emitted) {
    return tl::unexpected(Setback{emitted.error(), origins_at_fault(hardware->ops, emitted.error()), std::nullopt});
  }
  if (auto setback = check_memory(*hardware, emitted->memory, options)) {
    return tl::unexpected(*std::move(setback));
  }
  DlaSegment result;
  result.segment.engine = Engine::kDla;
  result.segment.payload = std::move(emitted->loadable);
  result.segment.bindings_in = std::move(emitted->inputs);
  result.segment.bindings_out = std::move(emitted->outputs);
  result.segment.memory = emitted->memory;
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

/// Takes the nodes at fault off the DLA: those that the setback names, else the whole segment.
Status demote(Draft& draft, const SegmentNodes& segment, const Setback& setback, const CompileOptions& options) {
  const std::set<std::string> origins(setback.origins.begin(), setback.origins.end());
  const auto is_named = [&](graph::NodeId id) {
    const std::vector<std::string>& own = draft.graph.nodes[static_cast<size_t>(id)].origins;
    return std::any_of(own.begin(), own.end(), [&](const std::string& origin) { return origins.contains(origin); });
  };
  const bool any = std::any_of(segment.nodes.begin(), segment.nodes.end(), is_named);
  for (const graph::NodeId id : segment.nodes) {
    if (!any || is_named(id)) {
      draft.verdicts[static_cast<size_t>(id)] = Refusal{setback.reason.value_or(reason_for(setback.error.code)), setback.error.message, ""};
    }
  }
  return divide(draft, options);
}

Result<Segment> build_host(const Draft& draft, const SegmentNodes& nodes) {
  Segment segment;
  segment.engine = nodes.engine;
  MEDLAR_ASSIGN(segment.payload, import::export_onnx(draft.graph, nodes.nodes, nodes.inputs, nodes.outputs));
  segment.inputs = names_of(draft.graph, nodes.inputs);
  segment.outputs = names_of(draft.graph, nodes.outputs);
  segment.memory = host_memory(draft.graph, nodes);
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
                             const std::vector<std::string>& cubes, size_t& failed) {
  Plan plan;
  EmitOptions emit = options.emit;
  emit.cubes.insert(emit.cubes.end(), cubes.begin(), cubes.end());
  for (size_t s = 0; s < draft.segments.size(); ++s) {
    const SegmentNodes& nodes = draft.segments[s];
    failed = s;
    if (nodes.engine == Engine::kDla) {
      auto built = build_dla(draft, nodes, options, table, emit);
      if (!built) {
        return tl::unexpected(std::move(built).error());
      }
      emit.sram_bytes -= built->segment.memory.sram;  // All segments are loaded at the same time.
      plan.segments.push_back(std::move(built->segment));
      for (HwOpInfo& op : built->ops) {
        op.segment = static_cast<int>(s);
        plan.hw_ops.push_back(std::move(op));
      }
    } else {
      auto built = build_host(draft, nodes);
      if (!built) {
        return tl::unexpected(Setback{std::move(built).error(), {}, std::nullopt});
      }
      plan.segments.push_back(std::move(*built));
    }
    plan.segments.back().name = fmt::format("{}{}", engine_name(nodes.engine), s);
  }
  return plan;
}

/// Everything that a DLA segment leaves in memory becomes an output of the plan.
void add_probes(Plan& plan) {
  const std::set<std::string> known(plan.outputs.begin(), plan.outputs.end());
  std::set<std::string> bounded;
  for (const BoundaryTensor& tensor : plan.tensors) {
    bounded.insert(tensor.name);
  }
  for (const Segment& segment : plan.segments) {
    for (const DlaBinding& binding : segment.bindings_out) {
      if (!bounded.contains(binding.tensor)) {
        plan.tensors.push_back({.name = binding.tensor, .type = graph::DataType::kFloat32,
                                .shape = {1, binding.c, binding.h, binding.w}});
      }
      if (!known.contains(binding.tensor)) {
        plan.outputs.push_back(binding.tensor);
      }
    }
  }
}

ReportInput report_input(const graph::Graph& graph, const Draft& draft, const CompileOptions& options) {
  return {.user = options.user != nullptr ? *options.user : graph,
          .simplified = draft.graph,
          .assignment = draft.assignment,
          .segments = draft.segments,
          .precision = options.precision,
          .costs = options.costs};
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
  if (options.precision == hw::Precision::kInt8 && table == nullptr) {
    return fail(Code::kInvalidArgument, "INT8 needs a calibration table");
  }
  MEDLAR_ASSIGN(Draft draft, make_draft(graph, options));
  MEDLAR_ASSIGN(const std::vector<std::string> cubes, forced_cubes(names_of(draft.graph, draft.graph.inputs), options.input_formats));
  std::optional<CalibrationTable> ranges;
  if (table != nullptr) {
    ranges = spread_ranges(draft.graph, *table);
    table = &*ranges;
  }
  size_t failed = 0;
  auto plan = build_segments(draft, options, table, cubes, failed);
  while (!plan) {
    // Every round takes at least one node off the DLA, so this ends.
    const SegmentNodes segment = draft.segments[failed];
    if (segment.engine != Engine::kDla || plan.error().error.code == Code::kInternal ||
        plan.error().error.code == Code::kInvalidArgument) {
      return tl::unexpected(std::move(plan).error().error);
    }
    MEDLAR_TRY(demote(draft, segment, plan.error(), options));
    plan = build_segments(draft, options, table, cubes, failed);
  }
  MEDLAR_TRY(check_fallback(draft, options));
  plan->tensors = boundary_tensors(draft);
  plan->inputs = names_of(draft.graph, draft.graph.inputs);
  plan->outputs = names_of(draft.graph, draft.graph.outputs);
  MEDLAR_TRY(check_io_formats(*plan, *options.config, options.input_formats, options.output_formats));
  if (options.probe) {
    add_probes(*plan);
  }
  plan->placements = make_placements(report_input(graph, draft, options));
  plan->transitions = make_transitions(*plan, options.costs);
  return std::move(*plan);
}

Result<std::vector<Placement>> place(const graph::Graph& graph, const CompileOptions& options) {
  MEDLAR_ASSIGN(const Draft draft, make_draft(graph, options));
  return make_placements(report_input(graph, draft, options));
}

CalibrationTable assumed_ranges(const graph::Graph& graph) {
  CalibrationTable table;
  graph::Graph rewritten = graph;
  if (!simplify(rewritten, hw::Precision::kInt8, nullptr)) {
    rewritten = graph;  // compile() will name what is wrong
  }
  for (const graph::Graph* each : {&graph, &std::as_const(rewritten)}) {
    for (const std::string& name : calibration_tensors(*each)) {
      table.ranges[name] = {.min = -1.0f, .max = 1.0f};
    }
  }
  return table;
}

}  // namespace medlar::compiler
