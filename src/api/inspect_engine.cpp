// SPDX-License-Identifier: Apache-2.0
// Engines in words.
#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "api/inspect.hpp"

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

std::string placement_line(const compiler::Placement& placement) {
  const std::string why = placement.reason.empty() ? "" : fmt::format("{}: {}", placement.reason_code, placement.reason);
  const std::string segment = placement.segment < 0 ? "-" : std::to_string(placement.segment);
  return fmt::format("  {:<5} {:>3} {:<9} {:<20} {:<32} {}\n",
                     placement.segment < 0 ? "-" : compiler::engine_name(placement.engine), segment,
                     placement.precision, placement.op_type, placement.node, why);
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
                    {"surface_stride", binding.surface_stride}, {"bytes", binding.bytes}});
  }
  return list;
}

Json segments_json(const compiler::Plan& plan) {
  Json list = Json::array();
  for (const compiler::Segment& segment : plan.segments) {
    list.push_back({{"engine", compiler::engine_name(segment.engine)}, {"name", segment.name},
                    {"bytes", segment.payload.size()}, {"inputs", segment.inputs}, {"outputs", segment.outputs},
                    {"bindings_in", bindings_json(segment.bindings_in)}, {"bindings_out", bindings_json(segment.bindings_out)}});
  }
  return list;
}

Json placements_json(const compiler::Plan& plan) {
  Json list = Json::array();
  for (const compiler::Placement& p : plan.placements) {
    list.push_back({{"node", p.node}, {"op_type", p.op_type},
                    {"engine", p.segment < 0 ? Json(nullptr) : Json(compiler::engine_name(p.engine))},
                    {"segment", p.segment}, {"precision", p.precision}, {"reason_code", p.reason_code},
                    {"reason", p.reason}, {"macs", p.macs}});
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

}  // namespace

std::string engine_to_text(const engine::Engine& engine) {
  const compiler::Plan& plan = engine.plan;
  std::string text = fmt::format("{} for {}, {}\n", engine.model, engine.device, engine.precision);
  text += fmt::format("  inputs [{}], outputs [{}]\n", fmt::join(plan.inputs, ", "), fmt::join(plan.outputs, ", "));
  text += segment_lines(engine);
  text += fmt::format("\nNodes of the model\n  {:<5} {:>3} {:<9} {:<20} {:<32} {}\n", "on", "seg", "precision", "operator",
                      "node", "why not on the DLA");
  for (const compiler::Placement& placement : plan.placements) {
    text += placement_line(placement);
  }
  text += "\nHardware operations\n" + hw_op_lines(engine);
  return text;
}

std::string engine_to_json(const engine::Engine& engine) {
  const Json json{{"model", engine.model}, {"device", engine.device}, {"precision", engine.precision},
                  {"fingerprint", fmt::format("{:016x}", engine.fingerprint)}, {"inputs", engine.plan.inputs},
                  {"outputs", engine.plan.outputs}, {"tensors", tensors_json(engine.plan)},
                  {"segments", segments_json(engine.plan)}, {"nodes", placements_json(engine.plan)},
                  {"hw_ops", hw_ops_json(engine.plan)}};
  return json.dump(2) + "\n";
}

std::string placement_summary(const engine::Engine& engine) {
  std::array<size_t, 3> nodes{};
  std::array<uint64_t, 3> macs{};
  size_t folded = 0;
  std::string refused;
  for (const compiler::Placement& placement : engine.plan.placements) {
    if (placement.segment < 0) {
      ++folded;
      continue;
    }
    nodes[static_cast<size_t>(placement.engine)]++;
    macs[static_cast<size_t>(placement.engine)] += placement.macs;
    if (placement.engine != compiler::Engine::kDla) {
      refused += fmt::format("  {} {} '{}' {}: {}\n", compiler::engine_name(placement.engine), placement.op_type,
                             placement.node, placement.reason_code, placement.reason);
    }
  }
  const uint64_t all = macs[0] + macs[1] + macs[2];
  std::string text = fmt::format("{}: {} nodes on the DLA ({:.1f} % of {} MACs), {} on the GPU, {} on the CPU, {} folded away\n",
                                 engine.model, nodes[0], all == 0 ? 0.0 : 100.0 * static_cast<double>(macs[0]) / static_cast<double>(all),
                                 all, nodes[1], nodes[2], folded);
  return refused.empty() ? text : text + "Not on the DLA:\n" + refused;
}

}  // namespace medlar::api
