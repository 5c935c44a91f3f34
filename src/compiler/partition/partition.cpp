// SPDX-License-Identifier: Apache-2.0
// From verdicts, wishes and costs to a placement problem, and from its solution to segments with reasons.
#include "compiler/partition/partition.hpp"

#include <algorithm>
#include <set>

#include "compiler/partition/riders.hpp"
#include "compiler/partition/search.hpp"
#include "compiler/report.hpp"
#include "graph/captures.hpp"

namespace medlar::compiler {
namespace {

using graph::NodeId;
using graph::ValueId;

/// Nodes with this share of the model's multiply-accumulates are what the DLA is for.
constexpr double kHeavyShare = 0.0025;
/// Seconds that weigh a heavy node's move, in all and for the whole model's share: more than any number of transitions.
constexpr double kHeavyPenalty = 1e3;
constexpr double kHeavyPenaltyOfAll = 1e6;
/// A node that the user wants on the DLA.
constexpr double kWishPenalty = 1e9;
/// Ties between engines go to the DLA, then the GPU.
constexpr double kLeast = 1e-9;

/// Values that nested graphs read count as inputs of the node that holds them.
std::vector<ValueId> operands(const graph::CaptureIndex& captures, const graph::Node& node) {
  std::vector<ValueId> values = node.inputs;
  for (const ValueId id : captures.of(node)) {
    values.push_back(id);
  }
  return values;
}

size_t index_of(Engine engine) { return static_cast<size_t>(engine); }

/// Shape arithmetic and indices: not worth a GPU where the CPU is at hand.
bool computes_integers(const graph::Graph& graph, const graph::Node& node) {
  return std::none_of(node.outputs.begin(), node.outputs.end(),
                      [&](ValueId id) { return id != graph::kNoValue && graph::is_floating(graph.value(id).type); });
}

/// Some value has no type that is known before it runs, as what an If gives and all that follows from it: it cannot enter a
/// segment of its own, so that one engine runs all that the DLA does not.
bool has_untyped(const graph::Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const graph::Node& node) {
    return std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) {
      return id != graph::kNoValue && graph.value(id).type == graph::DataType::kUndefined;
    });
  });
}

class Problem {
 public:
  explicit Problem(const PartitionRequest& request)
      : request_(request), graph_(request.graph), untyped_(has_untyped(request.graph)), rides_with_(rides_with(request.graph)) {
    for (const graph::Node& node : graph_.nodes) {
      macs_.push_back(node_macs(graph_, node));
      all_macs_ += macs_.back();
    }
  }

  Result<PlacementProblem> make() const {
    PlacementProblem problem;
    const auto makers = graph::producers(graph_);
    const graph::CaptureIndex captures(graph_);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      std::set<int> from;
      for (const ValueId id : operands(captures, graph_.nodes[i])) {
        if (id != graph::kNoValue && makers[static_cast<size_t>(id)] != graph::kNoValue) {
          from.insert(makers[static_cast<size_t>(id)]);
        }
      }
      problem.operands.emplace_back(from.begin(), from.end());
      MEDLAR_ASSIGN(const auto row, costs_of(i));
      problem.cost.push_back(row);
    }
    for (size_t a = 0; a < kEngines; ++a) {
      for (size_t b = 0; b < kEngines; ++b) {
        problem.transition[a][b] = a == b ? 0.0 : request_.costs.transition_seconds;
      }
    }
    return problem;
  }

 private:
  bool rides(size_t i) const {
    const NodeId leader = rides_with_[i];
    return leader != graph::kNoValue && !request_.verdicts[static_cast<size_t>(leader)];
  }

  double seconds(size_t i, Engine engine) const {
    if (engine == Engine::kDla && rides(i)) {
      return 0.0;
    }
    return request_.costs.seconds ? request_.costs.seconds(graph_, graph_.nodes[i], engine) : 0.0;
  }

  bool gpu_can_run(const graph::Node& node) const {
    return request_.costs.has_gpu && !untyped_ && !needs_cpu(graph_, node);
  }

  Status check_wish(size_t i, Engine wish) const {
    const graph::Node& node = graph_.nodes[i];
    if (wish == Engine::kGpu && !request_.costs.has_gpu) {
      return fail(Code::kUnsupported, "{} ({}) is to run on the GPU, and the device has none", node.name, node.op_type);
    }
    if (wish == Engine::kGpu && needs_cpu(graph_, node)) {
      return fail(Code::kUnsupported, "{} ({}) is to run on the GPU: strings, sequences and control flow run on the CPU alone", node.name,
                  node.op_type);
    }
    return {};
  }

  /// What it weighs that a node the DLA can run is elsewhere.
  double penalty(size_t i, bool wished) const {
    const double share = all_macs_ == 0 ? 0.0 : static_cast<double>(macs_[i]) / static_cast<double>(all_macs_);
    if (wished || !request_.allow_fallback) {
      return kWishPenalty + kHeavyPenaltyOfAll * share;
    }
    const bool heavy = request_.costs.placing == Placing::kPreferDla && share >= kHeavyShare;
    return heavy ? kHeavyPenalty + kHeavyPenaltyOfAll * share : 0.0;
  }

  Result<std::array<double, kEngines>> costs_of(size_t i) const {
    std::array<double, kEngines> row{kCannot, kCannot, kCannot};
    const graph::Node& node = graph_.nodes[i];
    const EngineRule* const wish = wish_for(request_.rules, node);
    if (wish != nullptr && wish->engine != Engine::kDla) {
      const bool gives_way = !wish->firm && request_.costs.has_gpu && !gpu_can_run(node);
      const Engine engine = gives_way ? Engine::kCpu : wish->engine;
      MEDLAR_TRY(check_wish(i, engine));
      row[index_of(engine)] = seconds(i, engine);
      return row;
    }
    const bool dla = !request_.verdicts[i].has_value();
    const double elsewhere = dla ? penalty(i, wish != nullptr) : 0.0;
    if (dla) {
      row[index_of(Engine::kDla)] = request_.costs.placing == Placing::kFastest ? seconds(i, Engine::kDla) : 0.0;
    }
    if (gpu_can_run(node)) {
      row[index_of(Engine::kGpu)] = elsewhere + kLeast + seconds(i, Engine::kGpu);
    }
    if (row[index_of(Engine::kGpu)] == kCannot || computes_integers(graph_, node) || request_.costs.placing == Placing::kFastest) {
      row[index_of(Engine::kCpu)] = elsewhere + 2 * kLeast + seconds(i, Engine::kCpu);  // Else the GPU is where work falls back to.
    }
    return row;
  }

  const PartitionRequest& request_;
  const graph::Graph& graph_;
  bool untyped_ = false;
  std::vector<NodeId> rides_with_;
  std::vector<uint64_t> macs_;
  uint64_t all_macs_ = 0;
};

int dla_segments(const PlacementSolution& solution) {
  return static_cast<int>(std::count_if(solution.segments.begin(), solution.segments.end(), [&](const std::vector<int>& segment) {
    return solution.engine[static_cast<size_t>(segment[0])] == Engine::kDla;
  }));
}

/// Why nodes that the DLA could run are elsewhere: compared with `free`, which has everything on the DLA that can be there,
/// and with `wanted`, which knows no limit of loadables.
class Reasons {
 public:
  Reasons(const PartitionRequest& request, const PlacementSolution& chosen, const PlacementSolution& wanted, size_t free_segments)
      : request_(request), chosen_(chosen), wanted_(wanted), free_segments_(free_segments) {}

  std::optional<Refusal> of(size_t i) const {
    if (chosen_.engine[i] == Engine::kDla) {
      return std::nullopt;
    }
    const EngineRule* const wish = wish_for(request_.rules, request_.graph.nodes[i]);
    if (wish != nullptr && wish->engine != Engine::kDla) {
      const bool there = chosen_.engine[i] == wish->engine;
      return Refusal{Reason::kOnRequest, std::string(engine_name(wish->engine)),
                     there ? "" : "a GPU runs neither control flow nor what has no type before it runs"};
    }
    if (request_.verdicts[i]) {
      return request_.verdicts[i];
    }
    if (wanted_.engine[i] == Engine::kDla) {
      return Refusal{Reason::kLoadables, fmt::format("{} DLA segments, limit {}", dla_segments(wanted_), request_.costs.max_loadables), ""};
    }
    if (request_.costs.placing == Placing::kFastest) {
      return Refusal{Reason::kSlower, fmt::format("modelled time prefers the {}", engine_name(chosen_.engine[i])), ""};
    }
    return Refusal{Reason::kIsland, fmt::format("{} segments instead of {}", free_segments_, chosen_.segments.size()), ""};
  }

 private:
  const PartitionRequest& request_;
  const PlacementSolution& chosen_;
  const PlacementSolution& wanted_;
  size_t free_segments_;
};

/// Segments when nothing that the DLA can run leaves it.
size_t segments_of_all_on_dla(const PartitionRequest& request, PlacementProblem problem) {
  for (size_t i = 0; i < problem.cost.size(); ++i) {
    if (problem.cost[i][0] < kCannot && !request.verdicts[i]) {
      problem.cost[i] = {0.0, kCannot, kCannot};
    }
  }
  return solve(problem).segments.size();
}

}  // namespace

void find_borders(const graph::Graph& graph, std::vector<SegmentNodes>& segments) {
  const graph::CaptureIndex captures(graph);
  std::vector<int> home(graph.values.size(), -1);
  for (size_t s = 0; s < segments.size(); ++s) {
    for (const NodeId id : segments[s].nodes) {
      for (const ValueId value : graph.nodes[static_cast<size_t>(id)].outputs) {
        if (value != graph::kNoValue) {
          home[static_cast<size_t>(value)] = static_cast<int>(s);
        }
      }
    }
  }
  std::set<ValueId> leaving(graph.outputs.begin(), graph.outputs.end());
  for (size_t s = 0; s < segments.size(); ++s) {
    std::set<ValueId> seen;
    for (const NodeId id : segments[s].nodes) {
      for (const ValueId value : operands(captures, graph.nodes[static_cast<size_t>(id)])) {
        if (value == graph::kNoValue || graph.value(value).is_constant() || home[static_cast<size_t>(value)] == static_cast<int>(s)) {
          continue;
        }
        leaving.insert(value);
        if (seen.insert(value).second) {
          segments[s].inputs.push_back(value);
        }
      }
    }
  }
  for (SegmentNodes& segment : segments) {
    for (const NodeId id : segment.nodes) {
      for (const ValueId value : graph.nodes[static_cast<size_t>(id)].outputs) {
        if (leaving.contains(value)) {
          segment.outputs.push_back(value);
        }
      }
    }
  }
}

Result<Partition> partition(const PartitionRequest& request) {
  MEDLAR_ASSIGN(PlacementProblem problem, Problem(request).make());
  const PlacementSolution wanted = solve(problem);
  PlacementSolution chosen = wanted;
  if (dla_segments(wanted) > static_cast<int>(request.costs.max_loadables)) {
    problem.max_dla_segments = static_cast<int>(request.costs.max_loadables);
    chosen = solve(problem);
    problem.max_dla_segments = PlacementProblem{}.max_dla_segments;
  }
  const Reasons reasons(request, chosen, wanted, segments_of_all_on_dla(request, problem));
  Partition result;
  result.exact = chosen.exact;
  result.assignment.engine = chosen.engine;
  for (size_t i = 0; i < chosen.engine.size(); ++i) {
    result.assignment.refusal.push_back(reasons.of(i));
  }
  for (const std::vector<int>& nodes : chosen.segments) {
    result.segments.push_back({.engine = chosen.engine[static_cast<size_t>(nodes[0])],
                               .nodes = std::vector<NodeId>(nodes.begin(), nodes.end()), .inputs = {}, .outputs = {}});
  }
  find_borders(request.graph, result.segments);
  return result;
}

}  // namespace medlar::compiler
