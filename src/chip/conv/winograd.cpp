// SPDX-License-Identifier: Apache-2.0
// Winograd convolution.
#include "chip/conv/winograd.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "base/parallel.hpp"
#include "chip/conv/integer/cacc.hpp"
#include "num/float_arithmetic.hpp"
#include "num/float_convert.hpp"
#include "num/fp_mac.hpp"
#include "num/round.hpp"

namespace medlar::chip {
namespace {

constexpr uint32_t kPositions = 16;
constexpr uint32_t kAtomChannels = 4;
constexpr uint32_t kAtomElements = kPositions * kAtomChannels;

using Block = std::array<int32_t, kPositions>;

/// C^T d C, with any addition and subtraction (NVDLA: pre-addition of CSC).
template <typename Add, typename Subtract>
Block transform(const Block& d, Add add, Subtract subtract) {
  const auto half = [&](const Block& in, uint32_t step, uint32_t other) {
    Block out{};
    for (uint32_t i = 0; i < 4; ++i) {
      const auto at = [&](uint32_t j) { return in[j * step + i * other]; };
      out[0 * step + i * other] = subtract(at(0), at(2));
      out[1 * step + i * other] = add(at(1), at(2));
      out[2 * step + i * other] = subtract(at(2), at(1));
      out[3 * step + i * other] = subtract(at(1), at(3));
    }
    return out;
  };
  return half(half(d, 4, 1), 1, 4);
}

/// A^T m A: four outputs, row by row.
template <typename T>
std::array<T, 4> transform_back(const std::array<T, kPositions>& m) {
  std::array<T, 8> rows{};
  for (size_t x = 0; x < 4; ++x) {
    rows[x] = m[x] + m[x + 4] + m[x + 8];
    rows[x + 4] = m[x + 4] - m[x + 8] - m[x + 12];
  }
  return {rows[0] + rows[1] + rows[2], rows[1] - rows[2] - rows[3],
          rows[4] + rows[5] + rows[6], rows[5] - rows[6] - rows[7]};
}

class Winograd {
 public:
  Winograd(const ConvJob& job, const ConvCube& cube) : job_(job), cube_(cube) {}

  /// Atoms of one tile: [four channels][position][channel], 16 bits each.
  std::vector<uint16_t> atoms(uint32_t tile_x, uint32_t tile_y) const {
    std::vector<uint16_t> out(uint64_t{job_.kernel_c} * kPositions);
    for (uint32_t c = 0; c < job_.kernel_c; ++c) {
      Block d{};
      for (uint32_t i = 0; i < kPositions; ++i) {
        d[i] = element(tile_x * 2 + i % 4, tile_y * 2 + i / 4, c);
      }
      d = pre_add(d);
      uint16_t* atom = out.data() + uint64_t{c} / kAtomChannels * kAtomElements;
      for (uint32_t i = 0; i < kPositions; ++i) {
        atom[i * kAtomChannels + c % kAtomChannels] = static_cast<uint16_t>(d[i]);
      }
    }
    return out;
  }

  /// The four outputs of one tile and kernel, delivered.
  std::array<int32_t, 4> multiply(std::span<const uint16_t> data, const uint8_t* weights, uint64_t stride) const {
    return job_.precision == hw::Precision::kFp16 ? multiply_halves(data, weights, stride)
                                                  : multiply_integers(data, weights, stride);
  }

 private:
  /// Element of the padded input with its strides folded into channels. CDMA pads, so that data in use again keep their padding.
  int32_t element(uint32_t x, uint32_t y, uint32_t channel) const {
    const uint32_t phase = channel / cube_.c;
    const uint32_t column = x * job_.stride_x + phase % job_.stride_x;
    const uint32_t line = y * job_.stride_y + phase / job_.stride_x;
    if (column < cube_.pad_left || column - cube_.pad_left >= cube_.w || line < cube_.pad_top ||
        line - cube_.pad_top >= cube_.h) {
      return job_.precision == hw::Precision::kInt8 ? static_cast<int8_t>(cube_.pad_value & 0xff)
                                                    : static_cast<int16_t>(cube_.pad_value);
    }
    const uint8_t* from = cube_.line(0, line - cube_.pad_top) +
                          (uint64_t{column - cube_.pad_left} * cube_.pitch + channel % cube_.c) * cube_.element_bytes;
    return cube_.element_bytes == 1 ? static_cast<int8_t>(*from) : load_le<int16_t>(from);
  }

  Block pre_add(Block d) const {
    if (job_.precision != hw::Precision::kFp16) {
      const int bits = job_.precision == hw::Precision::kInt8 ? 8 : 16;
      d = transform(d, [](int32_t a, int32_t b) { return a + b; }, [](int32_t a, int32_t b) { return a - b; });
      for (int32_t& value : d) {
        value = static_cast<int32_t>(num::shift_round_saturate(value, job_.pra_truncate, bits));
      }
      return d;
    }
    for (int32_t& value : d) {
      value = static_cast<int32_t>(num::fp16_to_fp17(static_cast<uint16_t>(value)));
    }
    const auto bits = [](int32_t value) { return static_cast<uint32_t>(value); };
    d = transform(
        d, [&](int32_t a, int32_t b) { return static_cast<int32_t>(num::float_add<num::Fp17>(bits(a), bits(b))); },
        [&](int32_t a, int32_t b) { return static_cast<int32_t>(num::float_subtract<num::Fp17>(bits(a), bits(b))); });
    for (int32_t& value : d) {
      value = static_cast<int32_t>(num::fp17_to_fp16(bits(value)));
    }
    return d;
  }

  std::array<int32_t, 4> multiply_integers(std::span<const uint16_t> data, const uint8_t* weights, uint64_t stride) const {
    std::array<int64_t, kPositions> sums{};  // of the transformed positions; atoms cannot saturate the accumulator
    for (size_t first = 0; first < data.size(); first += kAtomElements, weights += stride) {
      for (uint32_t i = 0; i < kAtomElements; ++i) {
        sums[i / kAtomChannels] += int64_t{static_cast<int16_t>(data[first + i])} * weight(weights, i);
      }
    }
    std::array<int32_t, 4> out{};
    const std::array<int64_t, 4> back = transform_back(sums);
    std::transform(back.begin(), back.end(), out.begin(),
                   [this](int64_t sum) { return cacc_deliver(sum, job_.clip_truncate); });
    return out;
  }

  std::array<int32_t, 4> multiply_halves(std::span<const uint16_t> data, const uint8_t* weights, uint64_t stride) const {
    std::array<num::FpAcc, 4> sums{};
    for (size_t first = 0; first < data.size(); first += kAtomElements, weights += stride) {
      std::array<uint16_t, kAtomElements> w{};
      for (uint32_t i = 0; i < kAtomElements; ++i) {
        w[i] = load_le<uint16_t>(weights + 2 * i);
      }
      const num::FpProducts products = num::fp_products(w, data.subspan(first, kAtomElements));
      std::array<int64_t, kPositions> positions{};
      for (uint32_t i = 0; i < kAtomElements; ++i) {
        positions[i / kAtomChannels] += products.mantissa[i];
      }
      const std::array<int64_t, 4> back = transform_back(positions);
      for (size_t i = 0; i < 4; ++i) {
        const num::FpAtomSum sum{.mantissa = back[i], .exponent = products.nan.exponent};
        sums[i] = num::fp_acc_add(sums[i], products.is_nan() ? products.nan : sum);
      }
    }
    std::array<int32_t, 4> out{};
    std::transform(sums.begin(), sums.end(), out.begin(),
                   [](const num::FpAcc& sum) { return static_cast<int32_t>(num::fp_acc_to_float(sum)); });
    return out;
  }

  int32_t weight(const uint8_t* weights, uint32_t index) const {
    return job_.element_bytes() == 1 ? static_cast<int8_t>(weights[index]) : load_le<int16_t>(weights + 2 * index);
  }

  const ConvJob& job_;
  const ConvCube& cube_;
};

}  // namespace

void convolve_winograd(const ConvJob& job, const ConvCube& cube, KernelRange range, ByteView weights, AccCube& out) {
  const Winograd winograd(job, cube);
  const uint32_t tiles_x = job.out_w / 2;
  const uint64_t kernel_bytes = job.kernel_elements() * job.element_bytes();
  const uint64_t atom_bytes = uint64_t{kAtomElements} * job.element_bytes();
  const uint32_t group_size = job.machine.kernels_per_group;
  const auto lanes = static_cast<uint64_t>(out.lanes);
  parallel_for(int64_t{tiles_x} * (job.out_h / 2), 1, [&](int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; ++tile) {
      const auto x = static_cast<uint32_t>(tile % tiles_x);
      const auto y = static_cast<uint32_t>(tile / tiles_x);
      const std::vector<uint16_t> data = winograd.atoms(x, y);
      for (uint32_t k = 0; k < range.count; ++k) {
        const uint32_t first = k / group_size * group_size;
        const uint64_t group = std::min(group_size, range.count - first);
        const uint8_t* from = weights.data() + first * kernel_bytes + (k - first) * atom_bytes;
        const std::array<int32_t, 4> sums = winograd.multiply(data, from, group * atom_bytes);
        const uint64_t kernel = range.first + k;
        for (uint32_t i = 0; i < 4; ++i) {
          const uint64_t at = (kernel / lanes * job.out_h + y * 2 + i / 2) * job.out_w + x * 2 + i % 2;
          out.data[at * lanes + kernel % lanes] = sums[i];
        }
      }
    }
  });
}

}  // namespace medlar::chip
