// SPDX-License-Identifier: Apache-2.0
// Greedy: per round the move of most error for its time, each judged on the draft that it leads to.
#include "host/host_choice.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "compiler/report.hpp"

namespace medlar::host {
namespace {

using compiler::Engine;
using graph::NodeId;
using graph::ValueId;
using NodeSet = std::set<NodeId>;

/// A move that costs less counts as this many seconds.
constexpr double kLeastSeconds = 1e-6;
/// Tensors that are looked at in one round.
constexpr size_t kTensors = 3;
constexpr size_t kRounds = 12;

struct State {
  std::map<std::string, std::string> nodes;
  compiler::Survey survey;
  std::vector<CostlyTensor> tensors;  ///< By falling error.
  double error = 0.0;                 ///< Squares of all.
  double host_macs = 0.0;             ///< As part of all.
  double seconds = 0.0;
};

double seconds_of(const compiler::Draft& draft, const compiler::PartitionCosts& costs) {
  double seconds = static_cast<double>(draft.segments.size()) * costs.transition_seconds;
  for (size_t i = 0; costs.seconds && i < draft.graph.nodes.size(); ++i) {
    seconds += costs.seconds(draft.graph, draft.graph.nodes[i], draft.assignment.engine[i]);
  }
  return seconds;
}

double host_share(const compiler::Draft& draft) {
  double all = 0.0;
  double host = 0.0;
  for (size_t i = 0; i < draft.graph.nodes.size(); ++i) {
    const auto macs = static_cast<double>(compiler::node_macs(draft.graph, draft.graph.nodes[i]));
    all += macs;
    host += draft.assignment.engine[i] == Engine::kDla ? 0.0 : macs;
  }
  return all > 0.0 ? host / all : 0.0;
}

/// The nodes of a draft around one of its values.
class Surroundings {
 public:
  explicit Surroundings(const compiler::Draft& draft)
      : draft_(draft), makers_(graph::producers(draft.graph)), readers_(graph::consumers(draft.graph)) {}

  /// Elementwise nodes from the value back to the product that they follow, without it.
  NodeSet tail(ValueId value) const {
    NodeSet tail;
    std::vector<ValueId> open{value};
    while (!open.empty()) {
      const NodeId maker = makers_[static_cast<size_t>(open.back())];
      open.pop_back();
      if (maker == graph::kNoValue || is_product(maker) || !sole(maker, tail, value) || !tail.insert(maker).second) {
        continue;
      }
      for (const ValueId id : computed_inputs(maker)) {
        open.push_back(id);
      }
    }
    return tail;
  }

  /// The product that the tail follows.
  NodeSet product(ValueId value, const NodeSet& tail) const {
    NodeSet products;
    const auto add = [&](ValueId id) {
      const NodeId maker = makers_[static_cast<size_t>(id)];
      if (maker != graph::kNoValue && is_product(maker)) {
        products.insert(maker);
      }
    };
    add(value);
    for (const NodeId node : tail) {
      for (const ValueId id : computed_inputs(node)) {
        add(id);
      }
    }
    return products;
  }

  /// Readers of the value, and the elementwise nodes that follow them alone.
  NodeSet readers(ValueId value, const NodeSet& with) const {
    NodeSet found(readers_[static_cast<size_t>(value)].begin(), readers_[static_cast<size_t>(value)].end());
    const auto inside = [&](ValueId id) {
      const NodeId maker = makers_[static_cast<size_t>(id)];
      return maker != graph::kNoValue && (found.contains(maker) || with.contains(maker));
    };
    for (size_t i = 0; i < draft_.graph.nodes.size(); ++i) {
      const auto id = static_cast<NodeId>(i);
      const std::vector<ValueId> inputs = computed_inputs(id);
      if (!is_product(id) && !inputs.empty() && std::all_of(inputs.begin(), inputs.end(), inside)) {
        found.insert(id);
      }
    }
    return found;
  }

 private:
  bool is_product(NodeId id) const { return graph::is_product(draft_.graph.nodes[static_cast<size_t>(id)]); }

  /// Nothing but the tail and the value's own readers read what the node makes.
  bool sole(NodeId id, const NodeSet& tail, ValueId value) const {
    for (const ValueId output : draft_.graph.nodes[static_cast<size_t>(id)].outputs) {
      const auto& of_output = readers_[static_cast<size_t>(output)];
      const bool within = std::all_of(of_output.begin(), of_output.end(), [&](NodeId reader) { return tail.contains(reader); });
      if (output != value && !within) {
        return false;
      }
    }
    return true;
  }

  std::vector<ValueId> computed_inputs(NodeId id) const {
    std::vector<ValueId> inputs;
    for (const ValueId input : draft_.graph.nodes[static_cast<size_t>(id)].inputs) {
      if (input != graph::kNoValue && !draft_.graph.value(input).is_constant()) {
        inputs.push_back(input);
      }
    }
    return inputs;
  }

  const compiler::Draft& draft_;
  std::vector<NodeId> makers_;
  std::vector<std::vector<NodeId>> readers_;
};

class Search {
 public:
  Search(const graph::Graph& graph, const compiler::CompileOptions& options, const compiler::CalibrationTable& table,
         Sensitivity& sensitivity, const HostLimits& limits)
      : graph_(graph), options_(options), table_(table), sensitivity_(sensitivity), limits_(limits) {}

  Result<HostChoice> run() {
    MEDLAR_ASSIGN(State state, look({}));
    HostChoice choice{.nodes = {}, .before = std::sqrt(state.error), .after = 0.0, .left = {}};
    for (size_t round = 0; options_.allow_fallback && round < kRounds && state.error > limits_.budget * limits_.budget; ++round) {
      MEDLAR_ASSIGN(std::optional<State> better, best_move(state));
      if (!better) {
        break;
      }
      state = *std::move(better);
    }
    choice.after = std::sqrt(state.error);
    for (const CostlyTensor& tensor : state.tensors) {
      if (state.error > limits_.budget * limits_.budget && costly(tensor, state)) {
        choice.left.push_back(tensor);
      }
    }
    choice.nodes = std::move(state.nodes);
    return choice;
  }

 private:
  bool costly(const CostlyTensor& tensor, const State& state) const { return tensor.error * tensor.error >= limits_.heavy * state.error; }

  Result<State> look(std::map<std::string, std::string> nodes) {
    compiler::CompileOptions options = options_;
    options.host_nodes = nodes;
    MEDLAR_ASSIGN(compiler::Survey survey, compiler::survey(graph_, options, &table_));
    State state{.nodes = std::move(nodes), .survey = std::move(survey), .tensors = {}, .error = 0.0, .host_macs = 0.0, .seconds = 0.0};
    for (const auto* tensors : {&state.survey.stored, &state.survey.handed}) {
      for (const compiler::StoredTensor& tensor : *tensors) {
        MEDLAR_ASSIGN(const double error, sensitivity_.storing_error(tensor, table_));
        state.tensors.push_back({tensor.range, error});
        state.error += error * error;
      }
    }
    std::stable_sort(state.tensors.begin(), state.tensors.end(), [](const CostlyTensor& a, const CostlyTensor& b) { return a.error > b.error; });
    state.host_macs = host_share(state.survey.draft);
    state.seconds = seconds_of(state.survey.draft, options_.costs);
    return state;
  }

  /// Sets of nodes that might go to the host for the sake of one tensor.
  std::vector<NodeSet> moves(const State& state, const std::string& tensor) const {
    const auto value = graph::find_value(state.survey.draft.graph, tensor);
    if (!value) {
      return {};
    }
    const Surroundings around(state.survey.draft);
    const NodeSet tail = around.tail(*value);
    NodeSet writer = tail;
    writer.merge(around.product(*value, tail));
    const auto joined = [&](NodeSet nodes) {
      NodeSet readers = around.readers(*value, nodes);
      nodes.merge(readers);
      return nodes;
    };
    std::vector<NodeSet> moves{tail, joined(tail), writer, joined(writer)};
    std::erase_if(moves, [](const NodeSet& nodes) { return nodes.empty(); });
    std::sort(moves.begin(), moves.end());
    moves.erase(std::unique(moves.begin(), moves.end()), moves.end());
    return moves;
  }

  /// The state behind a move, unless it takes too many multiply-accumulates or something that the user wants on the DLA.
  Result<std::optional<State>> behind(const State& state, const NodeSet& move, const std::string& why) {
    const graph::Graph& graph = state.survey.draft.graph;
    std::map<std::string, std::string> nodes = state.nodes;
    double macs = 0.0;
    double all = 0.0;
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      const graph::Node& node = graph.nodes[i];
      const auto own = static_cast<double>(compiler::node_macs(graph, node));
      const bool moves = move.contains(static_cast<NodeId>(i)) && state.survey.draft.assignment.engine[i] == Engine::kDla;
      all += own;
      macs += moves ? own : 0.0;
      if (moves && compiler::wish_for(options_.engines, node)) {
        return std::optional<State>();
      }
      for (const std::string& origin : moves ? node.origins : std::vector<std::string>{}) {
        nodes.emplace(origin, why);
      }
    }
    if (nodes.size() == state.nodes.size() || (macs > 0.0 && state.host_macs + macs / all > limits_.macs)) {
      return std::optional<State>();
    }
    MEDLAR_ASSIGN(State after, look(std::move(nodes)));
    const bool fits = after.host_macs <= std::max(limits_.macs, state.host_macs);
    return fits ? std::optional(std::move(after)) : std::nullopt;
  }

  Result<std::optional<State>> best_move(const State& state) {
    std::optional<State> best;
    double worth = 0.0;
    for (size_t i = 0; i < std::min(kTensors, state.tensors.size()) && costly(state.tensors[i], state); ++i) {
      const CostlyTensor& tensor = state.tensors[i];
      const std::string why = fmt::format("storing {} alone costs {:.3f} of the outputs, limit {} for all", tensor.name, tensor.error, limits_.budget);
      for (const NodeSet& move : moves(state, tensor.name)) {
        MEDLAR_ASSIGN(std::optional<State> after, behind(state, move, why));
        const double gain = after ? state.error - after->error : 0.0;
        if (gain < limits_.least_gain * state.error) {
          continue;
        }
        const double own = gain / std::max(after->seconds - state.seconds, kLeastSeconds);
        if (own > worth) {
          worth = own;
          best = std::move(after);
        }
      }
    }
    return best;
  }

  const graph::Graph& graph_;
  const compiler::CompileOptions& options_;
  const compiler::CalibrationTable& table_;
  Sensitivity& sensitivity_;
  const HostLimits& limits_;
};

}  // namespace

Result<HostChoice> choose_host(const graph::Graph& graph, const compiler::CompileOptions& options, const compiler::CalibrationTable& table,
                               Sensitivity& sensitivity, const HostLimits& limits) {
  return Search(graph, options, table, sensitivity, limits).run();
}

}  // namespace medlar::host
