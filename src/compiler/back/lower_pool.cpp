// SPDX-License-Identifier: Apache-2.0
// Pooling. Outputs wider than the line buffer are cut into bands: by the hardware's own split where its rules allow, else
// by one operation a band.
#include <algorithm>
#include <cstddef>

#include "base/checked.hpp"
#include "compiler/back/lower.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler::back {
namespace {

/// One axis of the window, trimmed to what the output needs.
struct PoolAxis {
  int in = 0, out = 0, kernel = 0, stride = 0, pad_before = 0, pad_after = 0;
};

PoolAxis trimmed(int in, int out, int kernel, int stride, int pad_before) {
  const int end = (out - 1) * stride + kernel - pad_before;
  return {std::min(in, end), out, kernel, stride, pad_before, std::max(0, end - in)};
}

class PoolMaker {
 public:
  PoolMaker(Program& program, size_t index, const PoolOp& pool)
      : program_(program),
        config_(*program.config),
        index_(index),
        pool_(pool),
        src_(program.cubes[static_cast<size_t>(program.graph->ops[index].src)]),
        dst_(program.cubes[static_cast<size_t>(program.graph->ops[index].dst)]),
        columns_(trimmed(src_.w, dst_.w, pool.kernel_w, pool.stride_x, pool.pad_left)),
        rows_(trimmed(src_.h, dst_.h, pool.kernel_h, pool.stride_y, pool.pad_top)) {}

  Status make() {
    const auto widest =
        static_cast<int>(hw::pdp_max_output_width(config_, src_.precision, static_cast<uint32_t>(pool_.kernel_h),
                                                  static_cast<uint32_t>(pool_.stride_y)));
    if (columns_.out <= widest) {
      add(columns_, 0, 0, unsplit());
    } else if (const hw::PdpOp split = hardware_split(widest); split.split_num != 0) {
      add(columns_, 0, 0, split);
    } else {
      for (int at = 0; at < columns_.out; at += widest) {
        add_band(at, std::min(widest, columns_.out - at));
      }
    }
    return {};
  }

 private:
  static hw::PdpOp unsplit() {
    hw::PdpOp d{};
    d.split_num = 1;
    return d;
  }

  /// Partial widths of the hardware's split; split_num 0 when its rules do not allow one (NVDLA PDP limits).
  hw::PdpOp hardware_split(int widest) const {
    const int bands = ceil_div(columns_.out, widest);
    const int last = columns_.out - (bands - 1) * widest;
    const int kernel = columns_.kernel;
    const int stride = columns_.stride;
    const int overlap = kernel - stride;
    const int first_in = (widest - 1) * stride + kernel - columns_.pad_before;
    const int mid_in = (widest - 1) * stride + kernel - overlap;
    const int last_in = (last - 1) * stride + kernel - columns_.pad_after - overlap;
    const auto& limits = hw::kLimits.pdp;
    const auto fits = [&](int width) { return width > 0 && limits.partial_width.contains(static_cast<uint64_t>(width)); };
    if (overlap < 0 || !limits.split.contains(static_cast<uint64_t>(bands)) || !fits(first_in) || !fits(mid_in) ||
        !fits(last_in) || !fits(widest)) {
      return {};
    }
    hw::PdpOp d{};
    d.split_num = static_cast<uint8_t>(bands);
    d.partial_in_width_first = static_cast<uint16_t>(first_in);
    d.partial_in_width_mid = static_cast<uint16_t>(bands > 2 ? mid_in : 0);
    d.partial_in_width_last = static_cast<uint16_t>(last_in);
    d.partial_width_first = static_cast<uint16_t>(widest);
    d.partial_width_mid = static_cast<uint16_t>(bands > 2 ? widest : 0);
    d.partial_width_last = static_cast<uint16_t>(last);
    return d;
  }

  void add_band(int out0, int out) {
    const int begin = out0 * columns_.stride - columns_.pad_before;
    const int in0 = std::max(begin, 0);
    const int end = begin + (out - 1) * columns_.stride + columns_.kernel;
    const int in1 = std::min(end, columns_.in);
    add({in1 - in0, out, columns_.kernel, columns_.stride, in0 - begin, end - in1}, in0, out0, unsplit());
  }

  void add(const PoolAxis& columns, int in_x, int out_x, hw::PdpOp d) {
    const Window in{in_x, 0, 0, columns.in, rows_.in, src_.c};
    const Window out{out_x, 0, 0, columns.out, rows_.out, dst_.c};
    d.pool_mode = static_cast<uint8_t>(pool_.mode);
    d.pool_width = static_cast<uint8_t>(pool_.kernel_w - 1);
    d.pool_height = static_cast<uint8_t>(pool_.kernel_h - 1);
    d.stride_x = static_cast<uint8_t>(pool_.stride_x);
    d.stride_y = static_cast<uint8_t>(pool_.stride_y);
    d.pad_left = static_cast<uint8_t>(columns.pad_before);
    d.pad_right = static_cast<uint8_t>(columns.pad_after);
    d.pad_top = static_cast<uint8_t>(rows_.pad_before);
    d.pad_bottom = static_cast<uint8_t>(rows_.pad_after);
    d.precision = static_cast<uint8_t>(src_.precision);
    int32_t times = 0;
    for (int32_t& value : d.padding_value) {
      value = ++times * pool_.pad_value;
    }
    MachineOp op{};
    op.type = NVDLA_OP_TYPE_PDP;
    op.source = static_cast<int>(index_);
    op.op.pdp_op = d;
    op.surface.pdp_surface = {.src_data = describe(config_, src_, in), .dst_data = describe(config_, dst_, out)};
    op.patches = {patch_for(config_, src_, in, offsetof(hw::PdpSurface, src_data)),
                  patch_for(config_, dst_, out, offsetof(hw::PdpSurface, dst_data))};
    op.accesses = {access_to(config_, src_, in, false), access_to(config_, dst_, out, true)};
    program_.ops.push_back(std::move(op));
  }

  Program& program_;
  const hw::HwConfig& config_;
  size_t index_;
  const PoolOp& pool_;
  const Cube src_, dst_;
  PoolAxis columns_, rows_;
};

}  // namespace

Status lower_pool(Program& program, size_t index, const PoolOp& pool) { return PoolMaker(program, index, pool).make(); }

}  // namespace medlar::compiler::back
