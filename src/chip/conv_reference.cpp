// SPDX-License-Identifier: Apache-2.0
// The convolution written out.
#include "chip/conv_reference.hpp"

#include <algorithm>

#include "chip/conv_cacc.hpp"
#include "chip/conv_window.hpp"

namespace medlar::chip {
namespace {

/// One output element: where its data and its weights are.
struct Element {
  const uint8_t* window = nullptr;
  const uint8_t* weights = nullptr;  ///< Of its kernel group.
  uint32_t kernel = 0;               ///< In the group.
};

class Reference {
 public:
  Reference(const ConvJob& job, const ConvWindow& window) : job_(job), window_(window) {}

  WeightGroup group(uint32_t kernels) const {
    return {.kernels = kernels, .shape = kernel_shape(job_), .atomic_c = job_.machine.atomic_c, .y_extension = job_.y_extension};
  }

  int64_t sum_integers(const WeightGroup& group, const Element& element) const {
    int64_t sum = 0;
    for (uint32_t c = 0; c < group.shape.depth; c += group.atomic_c) {
      for (uint32_t row = 0; row < group.shape.rows; ++row) {
        for (uint32_t tap = 0; tap < group.shape.taps; ++tap) {
          sum = cacc_add(sum, atom(group, element, {.row = row, .tap = tap, .first = c}));
        }
      }
    }
    return sum;
  }

 private:
  struct Atom {
    uint32_t row = 0;
    uint32_t tap = 0;
    uint32_t first = 0;  ///< First element of the tap.
  };

  int64_t atom(const WeightGroup& group, const Element& element, Atom at) const {
    const uint64_t bytes = job_.element_bytes();
    const uint32_t last = std::min(at.first + group.atomic_c, group.shape.depth);
    int64_t sum = 0;
    for (uint32_t c = at.first; c < last; ++c) {
      const uint8_t* d = element.window + at.row * window_.row_step + at.tap * window_.tap_step + c * bytes;
      const uint8_t* w = element.weights + weight_offset(group, element.kernel, at.row, at.tap, c) * bytes;
      sum += bytes == 1 ? int64_t{static_cast<int8_t>(*d)} * static_cast<int8_t>(*w)
                        : int64_t{load_le<int16_t>(d)} * load_le<int16_t>(w);
    }
    return sum;
  }

  const ConvJob& job_;
  const ConvWindow& window_;
};

}  // namespace

AccCube make_acc_cube(const ConvJob& job) {
  AccCube cube{.w = static_cast<int>(job.out_w),
               .h = static_cast<int>(job.out_h),
               .c = static_cast<int>(job.kernels),
               .lanes = static_cast<int>(job.machine.channels_per_atom),
               .batches = static_cast<int>(job.batches),
               .data = {}};
  cube.data.resize(cube.elements());
  return cube;
}

void convolve_reference(const ConvJob& job, const ConvCube& cube, KernelRange range, ByteView weights, AccCube& out) {
  const ConvWindow window = make_window(job, cube, WindowForm::kRaw);
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
          plane[(uint64_t{y} * job.out_w + x) * lanes] =
              cacc_deliver(reference.sum_integers(group, element), job.clip_truncate);
        }
      }
    }
  }
}

}  // namespace medlar::chip
