// SPDX-License-Identifier: Apache-2.0
// A state is a set of finished nodes, the engine that runs now, and the engines that will not run again. Two facts keep the
// number of states small without losing the optimum:
//  - A ready node whose cheapest open engine runs now is run now: later it could only cost more.
//  - With two engines, another node is run now only on the way to one whose cheapest open engine this is: otherwise it
//    waits for the next segment, which is its own engine's (one that will not run again has been closed).
// With three engines every ready node is tried first; where that is too much, the second rule is used, no longer exact.
#include "compiler/partition/search.hpp"

#include <algorithm>
#include <map>
#include <queue>

namespace medlar::compiler {
namespace {

using Bits = std::vector<uint64_t>;

constexpr size_t kBeamWidth = 48;
constexpr uint8_t kNoEngine = kEngines;

bool has(const Bits& bits, size_t i) { return (bits[i / 64] >> (i % 64) & 1) != 0; }
void set(Bits& bits, size_t i) { bits[i / 64] |= uint64_t{1} << (i % 64); }

struct Key {
  Bits done;
  uint8_t engine = kNoEngine;  ///< Running now; none before the first segment.
  uint8_t closed = 0;          ///< Bit mask of engines that will not run again.
  int dla_segments = 0;        ///< 0 where there is no limit.
  friend auto operator<=>(const Key&, const Key&) = default;
};

struct State {
  Key key;
  double cost = 0.0;
  size_t left = 0;
  int parent = -1;
  std::vector<int> ran = {};  ///< Nodes run since the parent, in order, on key.engine.
};

class Search {
 public:
  explicit Search(const PlacementProblem& problem) : problem_(problem), count_(problem.cost.size()) {
    readers_.resize(count_);
    for (size_t i = 0; i < count_; ++i) {
      for (const int operand : problem.operands[i]) {
        readers_[static_cast<size_t>(operand)].push_back(static_cast<int>(i));
      }
    }
  }

  PlacementSolution run() {
    PlacementSolution solution;
    const bool three = usable_engines() == kEngines;
    for (const bool every : three ? std::vector<bool>{true, false} : std::vector<bool>{false}) {
      try_every_node_ = every;
      states_.clear();
      if (const int goal = best_first(); goal >= 0) {
        solution = trace(goal);
        solution.exact = every || !three;
        return solution;
      }
    }
    states_.clear();
    solution = trace(beam());
    solution.exact = false;
    return solution;
  }

 private:
  State root() const {
    State state;
    state.key.done.assign((count_ + 63) / 64, 0);
    state.left = count_;
    return state;
  }

  size_t usable_engines() const {
    size_t usable = 0;
    for (size_t e = 0; e < kEngines; ++e) {
      usable += std::any_of(problem_.cost.begin(), problem_.cost.end(), [&](const auto& row) { return row[e] < kCannot; });
    }
    return usable;
  }

  bool limited() const { return problem_.max_dla_segments < static_cast<int>(count_); }
  double cost(size_t node, size_t engine) const { return problem_.cost[node][engine]; }

  /// Cheapest engine of a node that may still run; kNoEngine when there is none.
  uint8_t favourite(size_t node, uint8_t closed) const {
    uint8_t best = kNoEngine;
    for (uint8_t e = 0; e < kEngines; ++e) {
      if ((closed >> e & 1) == 0 && cost(node, e) < kCannot && (best == kNoEngine || cost(node, e) < cost(node, best))) {
        best = e;
      }
    }
    return best;
  }

  bool ready(const Key& key, size_t node) const {
    return !has(key.done, node) && std::all_of(problem_.operands[node].begin(), problem_.operands[node].end(),
                                               [&](int operand) { return has(key.done, static_cast<size_t>(operand)); });
  }

  void run_node(State& state, size_t node) const {
    set(state.key.done, node);
    state.ran.push_back(static_cast<int>(node));
    state.cost += cost(node, state.key.engine);
    --state.left;
  }

  /// Runs everything that is cheapest here and now.
  void close_under_favourites(State& state) const {
    std::priority_queue<int, std::vector<int>, std::greater<>> queue;
    for (size_t i = 0; i < count_; ++i) {
      if (ready(state.key, i)) {
        queue.push(static_cast<int>(i));
      }
    }
    while (!queue.empty()) {
      const auto node = static_cast<size_t>(queue.top());
      queue.pop();
      if (!ready(state.key, node) || favourite(node, state.key.closed) != state.key.engine) {
        continue;
      }
      run_node(state, node);
      for (const int reader : readers_[node]) {
        if (ready(state.key, static_cast<size_t>(reader))) {
          queue.push(reader);
        }
      }
    }
  }

  State child(int parent) const {
    State next = states_[static_cast<size_t>(parent)];
    next.parent = parent;
    next.ran.clear();
    return next;
  }

  std::vector<State> expand(int index) const {
    std::vector<State> result;
    switch_engines(index, result);
    if (states_[static_cast<size_t>(index)].key.engine != kNoEngine) {
      close_engines(index, result);
      try_every_node_ ? run_any_node(index, result) : reach_for_favourites(index, result);
    }
    return result;
  }

  void switch_engines(int index, std::vector<State>& result) const {
    for (uint8_t to = 0; to < kEngines; ++to) {
      State next = child(index);
      const uint8_t from = next.key.engine;
      if (to == from || (next.key.closed >> to & 1) != 0) {
        continue;
      }
      next.key.engine = to;
      next.cost += from == kNoEngine ? 0.0 : problem_.transition[from][to];
      if (limited() && to == static_cast<uint8_t>(Engine::kDla) && ++next.key.dla_segments > problem_.max_dla_segments) {
        continue;
      }
      close_under_favourites(next);
      result.push_back(std::move(next));
    }
  }

  void close_engines(int index, std::vector<State>& result) const {
    for (uint8_t e = 0; e < kEngines; ++e) {
      State next = child(index);
      if (e == next.key.engine || (next.key.closed >> e & 1) != 0) {
        continue;
      }
      next.key.closed |= static_cast<uint8_t>(1u << e);
      bool possible = true;
      for (size_t i = 0; i < count_ && possible; ++i) {
        possible = has(next.key.done, i) || favourite(i, next.key.closed) != kNoEngine;
      }
      if (possible) {
        close_under_favourites(next);
        result.push_back(std::move(next));
      }
    }
  }

  void run_any_node(int index, std::vector<State>& result) const {
    for (size_t i = 0; i < count_; ++i) {
      const Key& key = states_[static_cast<size_t>(index)].key;
      if (cost(i, key.engine) < kCannot && ready(key, i)) {
        State next = child(index);
        run_node(next, i);
        close_under_favourites(next);
        result.push_back(std::move(next));
      }
    }
  }

  /// For each unfinished node that is cheapest here, behind others that are not but can run here: runs those too.
  void reach_for_favourites(int index, std::vector<State>& result) const {
    const Key& key = states_[static_cast<size_t>(index)].key;
    std::vector<bool> reachable(count_), beyond(count_);  // beyond: behind another such node, which comes first.
    for (size_t i = 0; i < count_; ++i) {
      if (has(key.done, i) || cost(i, key.engine) == kCannot) {
        continue;
      }
      reachable[i] = true;
      for (const int operand : problem_.operands[i]) {
        const auto o = static_cast<size_t>(operand);
        reachable[i] = reachable[i] && (has(key.done, o) || (reachable[o] && !beyond[o]));
        beyond[i] = beyond[i] || (reachable[o] && favourite(o, key.closed) == key.engine);
      }
      if (!reachable[i] || beyond[i] || favourite(i, key.closed) != key.engine) {
        continue;
      }
      State next = child(index);
      run_with_operands(next, i);
      close_under_favourites(next);
      result.push_back(std::move(next));
    }
  }

  void run_with_operands(State& state, size_t target) const {
    std::vector<bool> wanted(count_);
    wanted[target] = true;
    for (size_t i = target + 1; i-- > 0;) {
      for (const int operand : wanted[i] ? problem_.operands[i] : std::vector<int>{}) {
        wanted[static_cast<size_t>(operand)] = !has(state.key.done, static_cast<size_t>(operand));
      }
    }
    for (size_t i = 0; i <= target; ++i) {
      if (wanted[i] && !has(state.key.done, i)) {
        run_node(state, i);
      }
    }
  }

  /// What is still to come at least: each node on its cheapest open engine, and a transition if one cannot run here.
  double bound(const State& state) const {
    double rest = 0.0;
    bool leave = false;
    for (size_t i = 0; i < count_; ++i) {
      if (!has(state.key.done, i)) {
        rest += cost(i, favourite(i, state.key.closed));
        leave = leave || (state.key.engine != kNoEngine && cost(i, state.key.engine) == kCannot);
      }
    }
    if (leave) {
      double cheapest = kCannot;
      for (size_t to = 0; to < kEngines; ++to) {
        cheapest = to == state.key.engine ? cheapest : std::min(cheapest, problem_.transition[state.key.engine][to]);
      }
      rest += cheapest;
    }
    return rest;
  }

  /// A*: the index of the first finished state, or -1 when the states ran out.
  int best_first() {
    using Entry = std::pair<double, int>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> open;
    std::map<Key, double> known;
    const auto offer = [&](State state) {
      const auto [at, is_new] = known.emplace(state.key, state.cost);
      if (!is_new && at->second <= state.cost) {
        return;
      }
      at->second = state.cost;
      open.emplace(state.cost + bound(state), static_cast<int>(states_.size()));
      states_.push_back(std::move(state));
    };
    offer(root());
    while (!open.empty() && states_.size() <= problem_.max_states) {
      const int index = open.top().second;
      open.pop();
      const State& state = states_[static_cast<size_t>(index)];
      if (state.left == 0) {
        return index;
      }
      if (known.at(state.key) < state.cost) {
        continue;
      }
      for (State& next : expand(index)) {
        offer(std::move(next));
      }
    }
    return -1;
  }

  /// The best of each generation of states go on.
  int beam() {
    std::vector<int> generation = {0};
    states_.push_back(root());
    int goal = -1;
    while (!generation.empty()) {
      std::map<Key, State> fresh;
      for (const int index : generation) {
        for (State& next : expand(index)) {
          const auto at = fresh.find(next.key);
          if (at == fresh.end() || next.cost < at->second.cost) {
            fresh.insert_or_assign(next.key, std::move(next));
          }
        }
      }
      generation = keep_best(fresh, goal);
    }
    return goal;
  }

  std::vector<int> keep_best(std::map<Key, State>& fresh, int& goal) {
    std::vector<std::pair<double, const State*>> ranked;
    for (const auto& [key, state] : fresh) {
      ranked.emplace_back(state.cost + bound(state), &state);
    }
    std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<int> kept;
    for (const auto& [estimate, state] : ranked) {
      const bool better = goal < 0 || estimate < states_[static_cast<size_t>(goal)].cost;
      if (!better || kept.size() == kBeamWidth) {
        break;
      }
      states_.push_back(*state);
      const int index = static_cast<int>(states_.size()) - 1;
      if (state->left == 0) {
        goal = index;
      } else {
        kept.push_back(index);
      }
    }
    return kept;
  }

  PlacementSolution trace(int goal) const {
    PlacementSolution solution;
    solution.engine.resize(count_, Engine::kCpu);
    if (goal < 0) {
      return solution;  // An empty problem.
    }
    solution.cost = states_[static_cast<size_t>(goal)].cost;
    std::vector<const State*> path;
    for (int at = goal; at >= 0; at = states_[static_cast<size_t>(at)].parent) {
      path.push_back(&states_[static_cast<size_t>(at)]);
    }
    uint8_t last = kNoEngine;
    for (size_t i = path.size(); i-- > 0;) {
      const State& state = *path[i];
      if (state.ran.empty()) {
        continue;
      }
      if (state.key.engine != last) {
        solution.segments.emplace_back();
        last = state.key.engine;
      }
      for (const int node : state.ran) {
        solution.engine[static_cast<size_t>(node)] = static_cast<Engine>(last);
        solution.segments.back().push_back(node);
      }
    }
    for (std::vector<int>& segment : solution.segments) {
      std::sort(segment.begin(), segment.end());
    }
    return solution;
  }

  const PlacementProblem& problem_;
  const size_t count_;
  std::vector<std::vector<int>> readers_;
  std::vector<State> states_;
  bool try_every_node_ = false;
};

}  // namespace

PlacementSolution solve(const PlacementProblem& problem) { return Search(problem).run(); }

}  // namespace medlar::compiler
