// SPDX-License-Identifier: Apache-2.0
#include "api/placement_table.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "api/inspect.hpp"

namespace medlar::api {
namespace {

using compiler::MemoryUse;
using compiler::Placement;

constexpr size_t kLongestName = 48;

std::string time_text(double seconds) { return seconds > 0 ? fmt::format("{:.1f}", seconds * 1e6) : "-"; }

std::string line_of(const Placement& row, size_t width) {
  const std::string why = row.reason_code.empty() ? row.reason : fmt::format("{}: {}", row.reason_code, row.reason);
  const bool placed = row.segment >= 0;
  std::string line = fmt::format("  {:<4} {:>3} {:<6} {:>12} {:>11} {:>10}  {:<20} {:<{}}  {}",
                                 placed ? compiler::engine_name(row.engine) : "-", placed ? std::to_string(row.segment) : "-",
                                 row.precision.empty() ? "-" : row.precision, row.macs, row.bytes, time_text(row.seconds),
                                 row.op_type, row.node, width, why);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string memory_line(std::string_view what, const MemoryUse& use) {
  return fmt::format("  {:<10} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12}\n", what, use.weights, use.input, use.intermediate,
                     use.output, use.total(), use.intermediate_bound, use.sram);
}

}  // namespace

PlacementCounts count_placements(const engine::Engine& engine) {
  PlacementCounts counts{.all = engine.plan.placements.size()};
  for (const Placement& row : engine.plan.placements) {
    if (row.segment < 0) {
      ++counts.folded;
      continue;
    }
    counts.nodes[static_cast<size_t>(row.engine)]++;
    counts.macs[static_cast<size_t>(row.engine)] += row.macs;
  }
  return counts;
}

MemoryUse total_memory(const engine::Engine& engine) {
  MemoryUse sum;
  std::set<std::string> produced;
  for (const compiler::Segment& segment : engine.plan.segments) {
    produced.insert(segment.outputs.begin(), segment.outputs.end());
    const MemoryUse& use = segment.memory;
    sum.weights += use.weights;
    sum.output += use.output;
    sum.intermediate += use.intermediate;
    sum.intermediate_bound += use.intermediate_bound;
    sum.intermediate_unshared += use.intermediate_unshared;
    sum.sram += use.sram;
  }
  // What a segment reads of another is that one's output already: only the model's inputs are new.
  for (const std::string& name : engine.plan.inputs) {
    const auto tensor = std::find_if(engine.plan.tensors.begin(), engine.plan.tensors.end(),
                                     [&](const compiler::BoundaryTensor& t) { return t.name == name; });
    if (tensor != engine.plan.tensors.end()) {
      sum.input += graph::storage_bytes(tensor->type, tensor->shape).value_or(0);
    }
  }
  return sum;
}

std::string placement_table(const engine::Engine& engine) {
  size_t width = 5;
  for (const Placement& row : engine.plan.placements) {
    width = std::max(width, std::min(row.node.size(), kLongestName));
  }
  std::string text = fmt::format("  {:<4} {:>3} {:<6} {:>12} {:>11} {:>10}  {:<20} {:<{}}  {}\n", "on", "seg", "prec", "MACs", "bytes",
                                 "model. us", "operator", "layer", width, "why not on the DLA");
  for (const Placement& row : engine.plan.placements) {
    text += line_of(row, width);
  }
  return text;
}

std::string placement_totals(const engine::Engine& engine) {
  const PlacementCounts counts = count_placements(engine);
  return fmt::format("{}: {} nodes on the DLA ({:.1f} % of {} MACs), {} on the GPU, {} on the CPU, {} folded away\n", engine.model,
                     counts.nodes[0], counts.dla_percent(), counts.all_macs(), counts.nodes[1], counts.nodes[2], counts.folded);
}

std::string placement_summary(const engine::Engine& engine) {
  std::string refused;
  for (const Placement& row : engine.plan.placements) {
    if (row.segment >= 0 && row.engine != compiler::Engine::kDla) {
      refused += fmt::format("  {} {} '{}' {}: {}\n", compiler::engine_name(row.engine), row.op_type, row.node, row.reason_code, row.reason);
    }
  }
  const std::string text = placement_totals(engine);
  return (refused.empty() ? text : text + "Not on the DLA:\n" + refused) + transition_lines(engine) + memory_lines(engine);
}

std::string transition_lines(const engine::Engine& engine) {
  const auto& segments = engine.plan.segments;
  std::string text = fmt::format("{} transition{} between {} segment{}\n", engine.plan.transitions.size(),
                                 engine.plan.transitions.size() == 1 ? "" : "s", segments.size(), segments.size() == 1 ? "" : "s");
  for (const compiler::Transition& t : engine.plan.transitions) {
    text += fmt::format("  {} -> {}: [{}]{}\n", segments[static_cast<size_t>(t.from)].name, segments[static_cast<size_t>(t.to)].name,
                        fmt::join(t.tensors, ", "), t.seconds > 0 ? fmt::format(", {:.0f} us modelled", t.seconds * 1e6) : "");
  }
  return text;
}

std::string memory_lines(const engine::Engine& engine) {
  std::string text = fmt::format("Memory in bytes\n  {:<10} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12}\n", "segment", "weights", "input",
                                 "intermediate", "output", "total", "lower bound", "in SRAM");
  for (const compiler::Segment& segment : engine.plan.segments) {
    text += memory_line(segment.name, segment.memory);
  }
  return text + memory_line("all", total_memory(engine));
}

std::string engine_label(const compiler::Placement& placement) {
  if (placement.segment < 0) {
    return "folded";
  }
  std::string name(compiler::engine_name(placement.engine));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

}  // namespace medlar::api
