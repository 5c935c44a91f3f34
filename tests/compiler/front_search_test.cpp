// SPDX-License-Identifier: Apache-2.0
// The cheapest placement against brute force over every assignment and every order, on small random graphs.
#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "compiler/partition/search.hpp"

namespace medlar::compiler::test {
namespace {

/// Cheapest way to finish from the set `done` with `engine` running: one node or one switch at a time, nothing assumed.
class BruteForce {
 public:
  explicit BruteForce(const PlacementProblem& problem) : problem_(problem) {}
  double best() { return from(0, kEngines, 0); }

 private:
  double from(uint32_t done, size_t engine, int dla_segments) {
    const size_t count = problem_.cost.size();
    if (done == (1u << count) - 1) {
      return 0.0;
    }
    const auto key = std::tuple(done, engine, dla_segments);
    if (const auto known = memory_.find(key); known != memory_.end()) {
      return known->second;
    }
    double best = kCannot;
    for (size_t to = 0; to < kEngines; ++to) {
      const bool enters = to == 0 && engine != 0;
      if (enters && dla_segments == problem_.max_dla_segments) {
        continue;
      }
      const double step = engine == kEngines || engine == to ? 0.0 : problem_.transition[engine][to];
      for (size_t i = 0; i < count; ++i) {
        bool ready = (done >> i & 1) == 0;
        for (const int operand : problem_.operands[i]) {
          ready = ready && (done >> operand & 1) != 0;
        }
        if (ready && problem_.cost[i][to] < kCannot) {
          best = std::min(best, step + problem_.cost[i][to] + from(done | 1u << i, to, dla_segments + (enters ? 1 : 0)));
        }
      }
    }
    return memory_[key] = best;
  }

  const PlacementProblem& problem_;
  std::map<std::tuple<uint32_t, size_t, int>, double> memory_;
};

/// The solution as given, costed independently; fails the test when it is no solution.
double cost_of(const PlacementProblem& problem, const PlacementSolution& solution) {
  std::vector<bool> done(problem.cost.size());
  double cost = 0.0;
  int dla = 0;
  for (size_t s = 0; s < solution.segments.size(); ++s) {
    const std::vector<int>& segment = solution.segments[s];
    const auto engine = static_cast<size_t>(solution.engine[static_cast<size_t>(segment.at(0))]);
    dla += engine == 0 ? 1 : 0;
    if (s > 0) {
      const auto before = static_cast<size_t>(solution.engine[static_cast<size_t>(solution.segments[s - 1][0])]);
      EXPECT_NE(before, engine);
      cost += problem.transition[before][engine];
    }
    for (const int node : segment) {
      EXPECT_EQ(static_cast<size_t>(solution.engine[static_cast<size_t>(node)]), engine);
      EXPECT_FALSE(done[static_cast<size_t>(node)]);
      for (const int operand : problem.operands[static_cast<size_t>(node)]) {
        EXPECT_TRUE(done[static_cast<size_t>(operand)]) << "node " << node << " before " << operand;
      }
      done[static_cast<size_t>(node)] = true;
      cost += problem.cost[static_cast<size_t>(node)][engine];
    }
  }
  EXPECT_TRUE(std::all_of(done.begin(), done.end(), [](bool d) { return d; }));
  EXPECT_LE(dla, problem.max_dla_segments);
  return cost;
}

enum class Form { kChain, kGraph };

PlacementProblem random_problem(std::mt19937& random, size_t nodes, size_t engines, Form form) {
  const auto uniform = [&](double high) { return high * static_cast<double>(random() % 1000) / 1000.0; };
  PlacementProblem problem;
  for (size_t i = 0; i < nodes; ++i) {
    std::array<double, kEngines> row{kCannot, kCannot, kCannot};
    row[2] = uniform(2.0);
    for (size_t e = 0; e + 1 < engines; ++e) {
      row[e] = random() % 3 == 0 ? kCannot : uniform(1.0);
    }
    problem.cost.push_back(row);
    std::vector<int> operands;
    if (i > 0 && form == Form::kChain) {
      operands = {static_cast<int>(i) - 1};
    } else if (i > 0) {
      for (size_t k = random() % 3; k-- > 0;) {
        operands.push_back(static_cast<int>(random() % i));
      }
    }
    problem.operands.push_back(std::move(operands));
  }
  const double transition = 0.1 + uniform(1.0);
  for (size_t from = 0; from < kEngines; ++from) {
    for (size_t to = 0; to < kEngines; ++to) {
      problem.transition[from][to] = from == to ? 0.0 : transition;
    }
  }
  return problem;
}

TEST(FrontSearch, EqualsBruteForceOnRandomGraphs) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 1500; ++trial) {
    const size_t engines = 2 + random() % 2;
    PlacementProblem problem = random_problem(random, 2 + random() % 7, engines, Form::kGraph);
    const PlacementSolution solution = solve(problem);
    ASSERT_TRUE(solution.exact);
    EXPECT_NEAR(cost_of(problem, solution), solution.cost, 1e-9);
    ASSERT_NEAR(solution.cost, BruteForce(problem).best(), 1e-9) << "trial " << trial;
  }
}

TEST(FrontSearch, EqualsBruteForceUnderALimitOfDlaSegments) {
  std::mt19937 random(6);
  for (int trial = 0; trial < 500; ++trial) {
    PlacementProblem problem = random_problem(random, 2 + random() % 7, 3, Form::kGraph);
    problem.max_dla_segments = static_cast<int>(random() % 2);
    const PlacementSolution solution = solve(problem);
    EXPECT_NEAR(cost_of(problem, solution), solution.cost, 1e-9);
    ASSERT_NEAR(solution.cost, BruteForce(problem).best(), 1e-9) << "trial " << trial;
  }
}

/// Chains: dynamic programming over (node, engine) is exact.
double chain_optimum(const PlacementProblem& problem) {
  std::array<double, kEngines> best = problem.cost[0];
  for (size_t i = 1; i < problem.cost.size(); ++i) {
    std::array<double, kEngines> next{};
    for (size_t to = 0; to < kEngines; ++to) {
      next[to] = kCannot;
      for (size_t from = 0; from < kEngines; ++from) {
        next[to] = std::min(next[to], best[from] + problem.transition[from][to] + problem.cost[i][to]);
      }
    }
    best = next;
  }
  return *std::min_element(best.begin(), best.end());
}

TEST(FrontSearch, LongChainsAreExact) {
  std::mt19937 random(7);
  for (int trial = 0; trial < 20; ++trial) {
    const PlacementProblem problem = random_problem(random, 300, 2 + random() % 2, Form::kChain);
    const PlacementSolution solution = solve(problem);
    EXPECT_TRUE(solution.exact);
    EXPECT_NEAR(cost_of(problem, solution), solution.cost, 1e-6);
    EXPECT_NEAR(solution.cost, chain_optimum(problem), 1e-6) << "trial " << trial;
  }
}

TEST(FrontSearch, LargeGraphsEndWithASolution) {
  std::mt19937 random(8);
  const PlacementProblem problem = random_problem(random, 200, 3, Form::kGraph);
  const PlacementSolution solution = solve(problem);
  EXPECT_NEAR(cost_of(problem, solution), solution.cost, 1e-6);
}

TEST(FrontSearch, NothingToPlace) {
  EXPECT_TRUE(solve(PlacementProblem{}).segments.empty());
}

}  // namespace
}  // namespace medlar::compiler::test
