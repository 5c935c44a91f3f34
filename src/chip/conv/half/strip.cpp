// SPDX-License-Identifier: Apache-2.0
#include "chip/conv/half/strip.hpp"

#include <algorithm>
#include <memory>

#include "base/checked.hpp"
#include "base/parallel.hpp"

namespace medlar::chip {
namespace {

constexpr uint32_t kLaneKernels = 2 * kHalfGroupKernels;  // of one vector

}  // namespace

uint32_t strip_pixels(const HalfLayer& layer) {
  const HalfConvolution& conv = layer.conv;
  if (conv.target.half_strip == nullptr || conv.job.machine.kernels_per_group != kHalfGroupKernels) {
    return 0;
  }
  // A strip takes a vector a pixel and 32 kernels, and a third of that beside it; a tile a vector a kernel.
  const auto rest = static_cast<uint32_t>(layer.places.count() % kHalfPixels);
  const uint64_t strip = uint64_t{rest} * ceil_div(layer.range.count, kLaneKernels) * 4 / 3;
  return rest <= kStripPixels && strip < layer.range.count ? rest : 0;
}

void run_strips(const HalfLayer& layer, uint32_t count) {
  const HalfConvolution& conv = layer.conv;
  const KernelRange& range = layer.range;
  const AtomOrder& order = layer.order;
  const HalfPlaces& places = layer.places;
  const uint64_t kernel_bytes = conv.job.kernel_elements() * 2;
  HalfStrip whole{.pixel_count = count,
                  .lane_offsets = order.offsets.data(),
                  .atom_begin = order.begin.data(),
                  .atoms = static_cast<uint32_t>(order.begin.size() - 1)};
  for (uint32_t p = 0; p < count; ++p) {
    whole.pixels[p] = places.window(places.count() - count + p);
  }
  constexpr uint64_t kGrain = uint64_t{1} << 15;  // Products; below this a thread costs more than it saves.
  const auto grain = static_cast<int64_t>(kGrain / (conv.job.kernel_elements() * kLaneKernels * count) + 1);
  parallel_for(ceil_div(range.count, kLaneKernels), grain, [&](int64_t begin, int64_t end) {
    const auto sums = std::make_unique_for_overwrite<uint32_t[]>(size_t{count} * kStripKernels);
    const uint32_t last = std::min(static_cast<uint32_t>(end) * kLaneKernels, range.count);
    for (uint32_t first = static_cast<uint32_t>(begin) * kLaneKernels; first < last; first += kStripKernels) {
      HalfStrip strip = whole;
      const uint32_t kernels = std::min(kStripKernels, last - first);
      for (uint32_t k = 0; k < kernels; k += kHalfGroupKernels) {
        strip.groups[strip.group_count++] = {.weights = layer.weights.data() + (first + k) * kernel_bytes,
                                             .kernels = std::min(kHalfGroupKernels, kernels - k)};
      }
      strip.out = sums.get();
      conv.target.half_strip(strip);
      for (uint32_t p = 0; p < count; ++p) {
        int32_t* const result = places.result(places.count() - count + p);
        for (uint32_t k = 0; k < kernels; ++k) {
          result[places.kernel_offset(range.first + first + k)] = static_cast<int32_t>(sums[p * kStripKernels + k]);
        }
      }
    }
  });
}

}  // namespace medlar::chip
