// SPDX-License-Identifier: Apache-2.0
#include "sched/contention.hpp"

#include <algorithm>
#include <numeric>

namespace medlar::sched {

std::vector<double> shared_speed(std::span<const double> demands, double capacity) {
  std::vector<double> speed(demands.size(), 1.0);
  if (std::accumulate(demands.begin(), demands.end(), 0.0) <= capacity) {
    return speed;
  }
  std::vector<size_t> order(demands.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return demands[a] < demands[b]; });
  double left = capacity;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const double share = left / static_cast<double>(order.size() - rank);
    const double demand = demands[order[rank]];
    const double granted = std::min(demand, share);
    speed[order[rank]] = demand > 0 ? granted / demand : 1.0;
    left -= granted;
  }
  return speed;
}

}  // namespace medlar::sched
