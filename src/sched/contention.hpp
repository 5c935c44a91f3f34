// SPDX-License-Identifier: Apache-2.0
// What becomes of engines that want more DRAM bandwidth together than there is. Pure.
#pragma once

#include <span>
#include <vector>

namespace medlar::sched {

/// How fast each piece of work goes on, 1 being as fast as alone. `demands`: bytes a second that each takes
/// when it runs alone. While their sum fits `capacity`, everything runs at full speed; beyond, the bandwidth
/// is shared max-min fairly: whoever wants less than the fair share gets what it wants, the others the same
/// each.
std::vector<double> shared_speed(std::span<const double> demands, double capacity);

}  // namespace medlar::sched
