// SPDX-License-Identifier: Apache-2.0
// Depthwise layers, found by their zeros.
#include "chip/conv/weights/diagonal.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace medlar::chip {
namespace {

constexpr uint64_t kLanes = 64;
constexpr uint64_t kChunk = kLanes * 128;  // elements whose counts fit a byte a lane

/// Of at most kChunk elements.
template <typename Element>
uint64_t count_nonzero(const uint8_t* from, uint64_t count) {
  std::array<uint8_t, kLanes> counts{};
  uint64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    std::array<Element, kLanes> elements;
    std::memcpy(elements.data(), from + i * sizeof(Element), sizeof(elements));
    for (uint64_t lane = 0; lane < kLanes; ++lane) {
      counts[lane] = static_cast<uint8_t>(counts[lane] + (elements[lane] != 0 ? 1 : 0));
    }
  }
  uint64_t total = 0;
  for (const uint8_t lane : counts) {
    total += lane;
  }
  for (; i < count; ++i) {
    Element element;
    std::memcpy(&element, from + i * sizeof(Element), sizeof(element));
    total += element != 0 ? 1 : 0;
  }
  return total;
}

/// True when `limit` elements at most are not zero; `seen`: how many.
template <typename Element>
bool at_most(const uint8_t* from, uint64_t count, uint64_t limit, uint64_t& seen) {
  seen = 0;
  for (uint64_t i = 0; i < count && seen <= limit; i += kChunk) {
    seen += count_nonzero<Element>(from + i * sizeof(Element), std::min(kChunk, count - i));
  }
  return seen <= limit;
}

}  // namespace

/// As many elements are not zero as on the diagonal.
bool is_diagonal(const ConvJob& job, KernelRange range, ByteView weights) {
  const KernelShape shape = kernel_shape(job);
  if (job.mode != ConvMode::kDirect || range.first != 0 || range.count != job.kernels || shape.depth != job.kernels ||
      shape.depth < 8) {
    return false;
  }
  const uint32_t taps = shape.rows * shape.taps;
  const uint64_t own = uint64_t{job.kernels} * taps;
  const bool bytes = job.element_bytes() == 1;
  uint64_t all = 0;
  if (!(bytes ? at_most<uint8_t>(weights.data(), job.weight_elements(), own, all)
              : at_most<uint16_t>(weights.data(), job.weight_elements(), own, all))) {
    return false;
  }
  uint64_t on_diagonal = 0;
  for (uint32_t k = 0; k < job.kernels; ++k) {
    const DiagonalWeights diagonal(job, k);
    for (uint32_t tap = 0; tap < taps; ++tap) {
      const uint64_t at = diagonal.at(tap);
      on_diagonal += (bytes ? weights[at] : weights[2 * at] | weights[2 * at + 1]) != 0 ? 1 : 0;
    }
  }
  return on_diagonal == all;
}

DiagonalWeights::DiagonalWeights(const ConvJob& job, uint32_t kernel) {
  const uint32_t in_group = kernel % job.machine.kernels_per_group;
  const uint32_t first = kernel - in_group;
  const WeightGroup group{.kernels = std::min(job.machine.kernels_per_group, job.kernels - first), .shape = kernel_shape(job),
                          .atomic_c = job.machine.atomic_c, .y_extension = 1};
  const uint32_t in_block = kernel % group.atomic_c;
  first_ = first * job.kernel_elements() + weight_offset(group, in_group, 0, 0, kernel);
  step_ = uint64_t{group.kernels} * std::min(group.atomic_c, group.shape.depth - (kernel - in_block));
}

}  // namespace medlar::chip
