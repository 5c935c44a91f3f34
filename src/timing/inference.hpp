// SPDX-License-Identifier: Apache-2.0
// One inference of a network on one engine of a module, and engines that share the DRAM: modelled time and
// energy.
#pragma once

#include "timing/energy.hpp"
#include "timing/estimate.hpp"

#include <span>
#include <vector>

namespace medlar::timing {

/// An inference that runs alone.
struct InferenceCost {
  double seconds = 0;  ///< From the submission to the result.
  double busy_seconds =
      0;  ///< Part of it in which the engine works: what a pipelined stream of inferences costs each.
  Energy energy;
  double macs = 0;
  double dram_bytes = 0;
  uint64_t operations = 0;  ///< Hardware operations, or kernels.
  double watts() const { return seconds == 0 ? 0 : energy.total() / seconds; }
};

/// Software around a DLA task whose operations take `operations` seconds each: submission, wake-up and
/// interrupt once, and the firmware's time to program the first operation. It programs each further one into
/// the idle register group while the one before runs, so only what takes longer than that shows.
double submission_seconds(const hw::DeviceProfile& device, std::span<const double> operations);

/// On one core of the DLA while `active_cores` share its bandwidth. Layers are cut as the compiler cuts them.
InferenceCost dla_inference(const hw::DeviceProfile& device, const hw::PowerMode& mode,
                            std::span<const LayerShape> layers, uint32_t active_cores = 1);

/// On the GPU or CPU, a kernel a layer.
InferenceCost host_inference(const hw::DeviceProfile& device, const hw::PowerMode& mode, HostEngine engine,
                             std::span<const LayerShape> layers);
/// A layer as a kernel.
HostWork host_work_of(const LayerShape& layer);

/// What an engine asks of the DRAM while it runs alone.
struct DramDemand {
  double bytes_per_second = 0;
  double memory_share = 1;  ///< Share of its time in which it waits for memory when alone.
};
/// By how much each engine slows down (1: not at all) when they run together: nobody until the demands exceed
/// `bytes_per_second`, beyond it the time that waits for memory stretches for all alike.
std::vector<double> contention_factors(std::span<const DramDemand> demands, double bytes_per_second);

}  // namespace medlar::timing
