// SPDX-License-Identifier: Apache-2.0
// Engines in words.
#include <nlohmann/json.hpp>

#include "api/inspect.hpp"
#include "api/placement_table.hpp"

namespace medlar::api {
namespace {

using Json = nlohmann::ordered_json;

std::string segment_lines(const engine::Engine& engine) {
  std::string text;
  for (size_t i = 0; i < engine.plan.segments.size(); ++i) {
    const compiler::Segment& segment = engine.plan.segments[i];
    text += fmt::format("  segment {} {} '{}': {} bytes, in [{}], out [{}]\n", i, compiler::engine_name(segment.engine),
                        segment.name, segment.payload.size(), fmt::join(segment.inputs, ", "),
                        fmt::join(segment.outputs, ", "));
  }
  return text;
}

std::string hw_op_lines(const engine::Engine& engine) {
  std::string text = fmt::format("  {:>3} {:>3} {:<6} {:<36} {:>12}  {}\n", "seg", "op", "unit", "name", "MACs", "ONNX nodes");
  for (const compiler::HwOpInfo& op : engine.plan.hw_ops) {
    text += fmt::format("  {:>3} {:>3} {:<6} {:<36} {:>12}  {}\n", op.segment, op.task_op, op.kind, op.name, op.macs,
                        fmt::join(op.origins, " "));
  }
  return text;
}

Json bindings_json(const std::vector<compiler::DlaBinding>& bindings) {
  Json list = Json::array();
  for (const compiler::DlaBinding& binding : bindings) {
    list.push_back({{"tensor", binding.tensor}, {"bind_id", binding.bind_id},
                    {"precision", hw::precision_name(binding.precision)}, {"scale", binding.scale}, {"zero", binding.zero},
                    {"w", binding.w}, {"h", binding.h}, {"c", binding.c}, {"line_stride", binding.line_stride},
                    {"surface_stride", binding.surface_stride}, {"bytes", binding.bytes},
                    {"components", binding.components}, {"channels_last", binding.channels_last}});
  }
  return list;
}

Json memory_json(const compiler::MemoryUse& use) {
  return {{"weights", use.weights}, {"input", use.input}, {"intermediate", use.intermediate}, {"output", use.output},
          {"total", use.total()}, {"intermediate_lower_bound", use.intermediate_bound},
          {"intermediate_unshared", use.intermediate_unshared}, {"intermediate_in_sram", use.sram}};
}

Json transitions_json(const compiler::Plan& plan) {
  Json list = Json::array();
  for (const compiler::Transition& t : plan.transitions) {
    list.push_back({{"from", t.from}, {"to", t.to}, {"tensors", t.tensors}, {"modelled_us", t.seconds * 1e6}});
  }
  return list;
}

Json segments_json(const compiler::Plan& plan) {
  Json list = Json::array();
  for (const compiler::Segment& segment : plan.segments) {
    list.push_back({{"engine", compiler::engine_name(segment.engine)}, {"name", segment.name},
                    {"bytes", segment.payload.size()}, {"inputs", segment.inputs}, {"outputs", segment.outputs},
                    {"bindings_in", bindings_json(segment.bindings_in)}, {"bindings_out", bindings_json(segment.bindings_out)},
                    {"memory", memory_json(segment.memory)}});
  }
  return list;
}

Json placements_json(const compiler::Plan& plan) {
  Json list = Json::array();
  for (const compiler::Placement& p : plan.placements) {
    list.push_back({{"node", p.node}, {"op_type", p.op_type},
                    {"engine", p.segment < 0 ? Json(nullptr) : Json(compiler::engine_name(p.engine))},
                    {"segment", p.segment}, {"precision", p.precision}, {"reason_code", p.reason_code},
                    {"reason", p.reason}, {"macs", p.macs}, {"bytes", p.bytes}, {"modelled_us", p.seconds * 1e6}});
  }
  return list;
}

Json hw_ops_json(const compiler::Plan& plan) {
  Json list = Json::array();
  for (const compiler::HwOpInfo& op : plan.hw_ops) {
    list.push_back({{"segment", op.segment}, {"op", op.task_op}, {"unit", op.kind}, {"name", op.name},
                    {"origins", op.origins}, {"macs", op.macs}});
  }
  return list;
}

Json tensors_json(const compiler::Plan& plan) {
  Json list = Json::array();
  for (const compiler::BoundaryTensor& tensor : plan.tensors) {
    list.push_back({{"name", tensor.name}, {"type", graph::data_type_name(tensor.type)}, {"shape", tensor.shape}});
  }
  return list;
}

Json summary_json(const engine::Engine& engine) {
  const PlacementCounts counts = count_placements(engine);
  return {{"nodes", counts.all}, {"dla_nodes", counts.nodes[0]}, {"gpu_nodes", counts.nodes[1]}, {"cpu_nodes", counts.nodes[2]},
          {"folded_nodes", counts.folded}, {"macs", counts.all_macs()}, {"dla_macs", counts.macs[0]},
          {"dla_macs_percent", counts.dla_percent()}, {"segments", engine.plan.segments.size()},
          {"transitions", engine.plan.transitions.size()}};
}

}  // namespace

std::string engine_to_text(const engine::Engine& engine) {
  const compiler::Plan& plan = engine.plan;
  std::string text = fmt::format("{} for {}, {}\n", engine.model, engine.device, engine.precision);
  text += fmt::format("  inputs [{}], outputs [{}]\n", fmt::join(plan.inputs, ", "), fmt::join(plan.outputs, ", "));
  text += segment_lines(engine);
  text += "\nNodes of the model\n" + placement_table(engine) + placement_totals(engine);
  text += "\n" + transition_lines(engine) + memory_lines(engine);
  text += "\nHardware operations\n" + hw_op_lines(engine);
  return text;
}

std::string engine_to_json(const engine::Engine& engine) {
  const Json json{{"model", engine.model}, {"device", engine.device}, {"precision", engine.precision},
                  {"fingerprint", fmt::format("{:016x}", engine.fingerprint)}, {"inputs", engine.plan.inputs},
                  {"outputs", engine.plan.outputs}, {"summary", summary_json(engine)}, {"memory", memory_json(total_memory(engine))},
                  {"tensors", tensors_json(engine.plan)}, {"segments", segments_json(engine.plan)},
                  {"transitions", transitions_json(engine.plan)}, {"nodes", placements_json(engine.plan)},
                  {"hw_ops", hw_ops_json(engine.plan)}};
  return json.dump(2) + "\n";
}

}  // namespace medlar::api
