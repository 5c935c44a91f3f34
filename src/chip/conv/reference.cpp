// SPDX-License-Identifier: Apache-2.0
// The convolution written out.
#include "chip/conv/reference.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "chip/conv/input/window.hpp"
#include "chip/conv/integer/cacc.hpp"
#include "num/fp_mac.hpp"

namespace medlar::chip {
namespace {

constexpr size_t kMaxAtom = 64;

/// One output element: where its data and its weights are.
struct Element {
  const uint8_t* window = nullptr;
  const uint8_t* weights = nullptr;  ///< Of its kernel group.
  uint32_t kernel = 0;               ///< In the group.
};

/// The rows of one atom: several with vertical extension, else one.
struct AtomRows {
  uint32_t first = 0;
  uint32_t count = 1;
};

class Reference {
 public:
  Reference(const ConvJob& job, const ConvWindow& window) : job_(job), window_(window) {}

  WeightGroup group(uint32_t kernels) const {
    return {.kernels = kernels, .shape = kernel_shape(job_), .atomic_c = job_.machine.atomic_c, .y_extension = job_.y_extension};
  }

  /// The accumulator's delivery for one output element.
  int32_t deliver(const WeightGroup& group, const Element& element) const {
    if (job_.precision != hw::Precision::kFp16) {
      int64_t sum = 0;
      for_each_atom(group, element, [&](std::span<const uint16_t> weights, std::span<const uint16_t> data) {
        int64_t atom = 0;
        for (size_t i = 0; i < data.size(); ++i) {
          atom += int64_t{static_cast<int16_t>(data[i])} * static_cast<int16_t>(weights[i]);
        }
        sum = cacc_add(sum, atom);
      });
      return cacc_deliver(sum, job_.clip_truncate);
    }
    num::FpAcc sum;
    for_each_atom(group, element, [&](std::span<const uint16_t> weights, std::span<const uint16_t> data) {
      sum = num::fp_acc_add(sum, num::fp_atom(weights, data));
    });
    return static_cast<int32_t>(num::fp_acc_to_float(sum));
  }

 private:
  /// Atoms in CSC's order: channel blocks, kernel rows, kernel columns.
  template <typename Visit>
  void for_each_atom(const WeightGroup& group, const Element& element, Visit visit) const {
    std::array<uint16_t, kMaxAtom> weights{};
    std::array<uint16_t, kMaxAtom> data{};
    for (uint32_t c = 0; c < group.shape.depth; c += group.atomic_c) {
      const uint32_t last = std::min(c + group.atomic_c, group.shape.depth);
      for (uint32_t row = 0; row < group.shape.rows; row += group.y_extension) {
        const AtomRows rows{.first = row, .count = std::min(group.y_extension, group.shape.rows - row)};
        for (uint32_t tap = 0; tap < group.shape.taps; ++tap) {
          size_t count = 0;
          for (uint32_t r = rows.first; r < rows.first + rows.count; ++r) {
            for (uint32_t i = c; i < last; ++i, ++count) {
              data[count] = load(element.window + r * window_.row_step + tap * window_.tap_step, i);
              weights[count] = load(element.weights, weight_offset(group, element.kernel, r, tap, i));
            }
          }
          visit(std::span<const uint16_t>(weights.data(), count), std::span<const uint16_t>(data.data(), count));
        }
      }
    }
  }

  /// Element `index` as 16 bits, INT8 sign-extended.
  uint16_t load(const uint8_t* from, uint64_t index) const {
    return job_.element_bytes() == 1 ? static_cast<uint16_t>(static_cast<int8_t>(from[index]))
                                     : load_le<uint16_t>(from + 2 * index);
  }

  const ConvJob& job_;
  const ConvWindow& window_;
};

}  // namespace

AccCube acc_cube_shape(const ConvJob& job) {
  return AccCube{.w = static_cast<int>(job.out_w),
               .h = static_cast<int>(job.out_h),
               .c = static_cast<int>(job.kernels),
               .lanes = static_cast<int>(job.machine.channels_per_atom),
               .batches = static_cast<int>(job.batches),
               .data = {}};
}

AccCube make_acc_cube(const ConvJob& job) {
  AccCube cube = acc_cube_shape(job);
  cube.data.resize(cube.elements());
  return cube;
}

void resize_acc_cube(const ConvJob& job, int rows, AccCube& cube) {
  std::vector<int32_t> data = std::move(cube.data);
  cube = acc_cube_shape(job);
  cube.h = rows;
  cube.data = std::move(data);
  cube.data.resize(std::max(cube.data.size(), cube.elements()));
}

void convolve_reference(const ConvJob& job, const ConvWindow& window, KernelRange range, ByteView weights, AccCube& out) {
  const Reference reference(job, window);
  const uint64_t kernel_bytes = job.kernel_elements() * job.element_bytes();
  const uint32_t group_size = job.machine.kernels_per_group;
  const auto lanes = static_cast<uint32_t>(out.lanes);
  for (uint32_t k = 0; k < range.count; ++k) {
    const uint32_t first = k / group_size * group_size;
    const WeightGroup group = reference.group(std::min(group_size, range.count - first));
    const uint32_t kernel = range.first + k;
    Element element{.window = nullptr, .weights = weights.data() + first * kernel_bytes, .kernel = k - first};
    for (uint32_t batch = 0; batch < job.batches; ++batch) {
      int32_t* plane = out.data.data() +
                       (uint64_t{batch} * out.surfaces() + kernel / lanes) * job.out_h * job.out_w * lanes + kernel % lanes;
      for (uint32_t y = 0; y < job.out_h; ++y) {
        for (uint32_t x = 0; x < job.out_w; ++x) {
          element.window = window.at(0, batch, y, x);
          plane[(uint64_t{y} * job.out_w + x) * lanes] = reference.deliver(group, element);
        }
      }
    }
  }
}

}  // namespace medlar::chip
