// SPDX-License-Identifier: Apache-2.0
// Depthwise FP16 layers. An atom has one product that is not zero, which nothing is cut from: it is exact, and so are a
// float's 24 bits for it. What remains is CACC's addition.
#include <cmath>
#include <cstring>

#include "base/checked.hpp"
#include "base/parallel.hpp"
#include "chip/conv/half/half.hpp"
#include "chip/conv/weights/diagonal.hpp"
#include "num/fp_mac.hpp"

namespace medlar::chip {
namespace {

bool any_nan(const uint8_t* from, uint64_t count) {
  uint32_t found = 0;
  for (uint64_t i = 0; i < count; ++i) {
    uint16_t bits;
    std::memcpy(&bits, from + 2 * i, 2);
    found |= num::half_is_nan(bits) ? 1 : 0;
  }
  return found != 0;
}

float value_of(uint16_t bits) {
  const num::FpOperand operand = num::FpOperand::of(bits);
  const float magnitude = std::ldexp(static_cast<float>(operand.mantissa), static_cast<int>(operand.exponent * 4) - 25);
  return operand.negative ? -magnitude : magnitude;
}

/// [eight kernels][tap][kHalfChannels], zero beyond the last kernel.
std::vector<float> values_of(const ConvJob& job, ByteView weights, uint32_t taps) {
  std::vector<float> values(uint64_t{round_up(job.kernels, kHalfChannels)} * taps);
  for (uint32_t k = 0; k < job.kernels; ++k) {
    const DiagonalWeights diagonal(job, k);
    float* const to = values.data() + uint64_t{k / kHalfChannels} * taps * kHalfChannels + k % kHalfChannels;
    for (uint32_t tap = 0; tap < taps; ++tap) {
      to[uint64_t{tap} * kHalfChannels] = value_of(load_le<uint16_t>(weights.data() + 2 * diagonal.at(tap)));
    }
  }
  return values;
}

}  // namespace

bool takes_depthwise_halves(const HalfConvolution& conv, KernelRange range, ByteView weights, const AccCube& out) {
  const ConvWindow& window = conv.window;
  return conv.target.half_depthwise != nullptr && out.lanes % static_cast<int>(kHalfChannels) == 0 &&
         is_diagonal(conv.job, range, weights) && !any_nan(weights.data(), conv.job.weight_elements()) &&
         !any_nan(window.bytes.data(), window.plane_bytes / 2);
}

void convolve_depthwise_halves(const HalfConvolution& conv, ByteView weights, AccCube& out) {
  const ConvJob& job = conv.job;
  const KernelShape shape = kernel_shape(job);
  const uint32_t taps = shape.rows * shape.taps;
  const std::vector<float> values = values_of(job, weights, taps);
  std::vector<int64_t> offsets;
  for (uint32_t tap = 0; tap < taps; ++tap) {
    offsets.push_back(tap / shape.taps * conv.window.row_step + tap % shape.taps * conv.window.tap_step);
  }
  const auto lanes = static_cast<uint32_t>(out.lanes);
  const auto surfaces = static_cast<uint64_t>(out.surfaces());
  constexpr uint64_t kGrain = uint64_t{1} << 15;  // Products; below this a thread costs more than it saves.
  const uint64_t line = uint64_t{job.out_w} * job.kernels * taps;
  parallel_for(int64_t{job.batches} * job.out_h, static_cast<int64_t>(kGrain / line + 1), [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      const auto batch = static_cast<uint32_t>(at / job.out_h);
      const auto y = static_cast<uint32_t>(at % job.out_h);
      for (uint32_t k = 0; k < job.kernels; k += kHalfChannels) {
        int32_t* const surface = out.data.data() + (batch * surfaces + k / lanes) * job.out_h * job.out_w * lanes;
        conv.target.half_depthwise({.pixel = conv.window.at(0, batch, y, 0) + uint64_t{k} * 2,
                                    .pixel_step = conv.window.x_step,
                                    .pixels = job.out_w,
                                    .taps = offsets.data(),
                                    .tap_count = taps,
                                    .weights = values.data() + uint64_t{k} * taps,
                                    .out = surface + uint64_t{y} * job.out_w * lanes + k % lanes,
                                    .out_step = lanes});
      }
    }
  });
}

}  // namespace medlar::chip
