// SPDX-License-Identifier: Apache-2.0
// CBUF tiling. All rows of an operation's input stay in the data banks while the kernel groups pass by, because the
// sequencer walks the whole output for each kernel group; weights stream through the remaining banks.
#include "compiler/back/conv_tiling.hpp"

#include <algorithm>
#include <optional>

#include "base/checked.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler::back {
namespace {

/// What programming one more operation is worth in bytes of traffic; it decides between plans that are nearly equal.
constexpr uint64_t kOperationCost = 2048;

struct Axis {
  int in = 0, out = 0, kernel = 0, stride = 0, pad_before = 0;
};

/// The part of an axis that outputs [out0, out0 + out) need.
struct Piece {
  int out0 = 0, out = 0;
  int in0 = 0, in = 0, pad_before = 0, pad_after = 0;
};

/// Input that no window reaches is left out; padding appears only where the windows leave the input.
Piece piece_of(const Axis& axis, int out0, int out) {
  const int begin = out0 * axis.stride - axis.pad_before;
  const int end = begin + (out - 1) * axis.stride + axis.kernel;
  const int in0 = std::clamp(begin, 0, axis.in);
  const int in1 = std::clamp(end, in0, axis.in);
  return {out0, out, in0, in1 - in0, in0 - begin, end - in1};
}

std::vector<Piece> cut(const Axis& axis, int out_per_piece) {
  std::vector<Piece> pieces;
  for (int at = 0; at < axis.out; at += out_per_piece) {
    pieces.push_back(piece_of(axis, at, std::min(out_per_piece, axis.out - at)));
  }
  return pieces;
}

struct Choice {
  WeightMode mode = WeightMode::kResident;
  int kernels = 0;  ///< Per operation.
  int out_cols = 0, out_rows = 0;
  int data_banks = 0, weight_banks = 0;
  uint64_t traffic = 0, operations = 0;
  uint64_t cost() const { return traffic + operations * kOperationCost; }
};

class Planner {
 public:
  Planner(const ConvShape& shape, const hw::HwConfig& config)
      : shape_(shape),
        config_(config),
        columns_{shape.w, shape.out_w, (shape.s - 1) * shape.dilation_x + 1, shape.stride_x, shape.pad_left},
        rows_{shape.h, shape.out_h, (shape.r - 1) * shape.dilation_y + 1, shape.stride_y, shape.pad_top},
        group_(static_cast<int>(config.kernels_per_group(shape.precision))),
        step_(std::max(group_, shape.kernel_step)) {}

  std::optional<Choice> best() const {
    return over_widths([this](int cols) { return best_for_width(cols); });
  }

  /// For layers of which no kernel group fits: as many kernels an operation as do.
  std::optional<Choice> best_partial() const {
    for (int kernels = step_ / 2; kernels >= 1; kernels /= 2) {
      const auto choice = over_widths([&](int cols) {
        return with_weights(WeightMode::kResident, kernels, banks_for_weights(kernels), cols);
      });
      if (choice) {
        return choice;
      }
    }
    return std::nullopt;
  }

  ConvPlan expand(const Choice& choice) const {
    ConvPlan plan{.mode = choice.mode,
                  .data_banks = choice.data_banks,
                  .weight_banks = choice.weight_banks,
                  .tiles = {},
                  .traffic = choice.traffic,
                  .partial_kernels = choice.kernels < std::min(step_, shape_.k) ? choice.kernels : 0};
    const std::vector<Piece> cols = cut(columns_, choice.out_cols);
    const std::vector<Piece> rows = cut(rows_, choice.out_rows);
    for (int k0 = 0; k0 < shape_.k; k0 += choice.kernels) {
      for (const Piece& x : cols) {
        for (const Piece& y : rows) {
          ConvTile tile = tile_of(x, y);
          tile.k0 = k0;
          tile.k = std::min(choice.kernels, shape_.k - k0);
          plan.tiles.push_back(tile);
        }
      }
    }
    return plan;
  }

  int banks_for_weights(int kernels) const {
    const hw::WeightShape weights{.k = static_cast<uint32_t>(kernels),
                                  .c = static_cast<uint32_t>(stored_channels()),
                                  .r = static_cast<uint32_t>(shape_.r),
                                  .s = static_cast<uint32_t>(shape_.s)};
    return static_cast<int>(hw::weight_banks(config_, weights, shape_.precision));
  }
  int banks_for_data(int cols, int rows) const {
    return static_cast<int>(hw::data_banks(config_, slice_entries(input_extent(columns_, cols)),
                                           static_cast<uint32_t>(input_extent(rows_, rows))));
  }

 private:
  /// Width is split only when nothing else fits: narrow rows fetch their halo columns again.
  template <typename Find>
  std::optional<Choice> over_widths(Find&& find) const {
    if (shape_.pixel_components != 0) {
      return find(shape_.out_w);  // A column of an image need not begin where DMA can.
    }
    for (int parts = 1, cols = shape_.out_w;; ++parts) {
      const std::optional<Choice> choice = find(cols);
      if (choice || cols == 1) {
        return choice;
      }
      cols = std::min(cols - 1, ceil_div(shape_.out_w, parts + 1));
    }
  }

  /// Most input that any piece of `out` outputs needs.
  static int input_extent(const Axis& axis, int out) {
    return out == axis.out ? piece_of(axis, 0, out).in : std::min(axis.in, (out - 1) * axis.stride + axis.kernel);
  }

  /// Channels of an input element in memory and in kernels.
  int stored_channels() const { return shape_.pixel_components != 0 ? shape_.pixel_components : shape_.c; }

  /// Images keep their padding in the buffer.
  uint32_t slice_entries(int width) const {
    if (shape_.pixel_components != 0) {
      const Piece all = piece_of(columns_, 0, shape_.out_w);
      const auto padded = static_cast<uint32_t>(all.pad_before + all.in + all.pad_after);
      return hw::pixel_entries_per_slice(config_, padded,
                                         static_cast<uint32_t>(shape_.pixel_components) * hw::bytes_per_element(shape_.precision));
    }
    return hw::feature_entries_per_slice(config_, static_cast<uint32_t>(width), static_cast<uint32_t>(shape_.c),
                                         shape_.precision);
  }

  ConvTile tile_of(const Piece& x, const Piece& y) const {
    ConvTile tile;
    tile.out_x = x.out0;
    tile.out_w = x.out;
    tile.in_x = x.in0;
    tile.in_w = x.in;
    tile.pad_left = x.pad_before;
    tile.pad_right = x.pad_after;
    tile.out_y = y.out0;
    tile.out_h = y.out;
    tile.in_y = y.in0;
    tile.in_h = y.in;
    tile.pad_top = y.pad_before;
    tile.pad_bottom = y.pad_after;
    tile.entries_per_slice = static_cast<int>(slice_entries(x.in));
    return tile;
  }

  std::optional<Choice> best_for_width(int cols) const {
    std::optional<Choice> best;
    const auto offer = [&](WeightMode mode, int kernels, int banks_of) {
      const auto choice = with_weights(mode, kernels, banks_for_weights(banks_of), cols);
      if (choice && (!best || choice->cost() < best->cost())) {
        best = choice;
      }
    };
    offer(WeightMode::kResident, shape_.k, shape_.k);
    if (shape_.k > 2 * group_) {
      offer(WeightMode::kPingPong, shape_.k, 2 * group_);
    }
    if (shape_.k > group_) {
      offer(WeightMode::kOneGroup, shape_.k, group_);
    }
    for (int splits = 2; splits <= ceil_div(shape_.k, step_); ++splits) {
      const int kernels = round_up(ceil_div(shape_.k, splits), step_);
      offer(WeightMode::kResident, kernels, kernels);
    }
    return best;
  }

  std::optional<Choice> with_weights(WeightMode mode, int kernels, int weight_banks, int cols) const {
    const int data_banks = static_cast<int>(config_.cbuf_banks) - weight_banks;
    if (data_banks < 1 || banks_for_data(cols, 1) > data_banks) {
      return std::nullopt;
    }
    int out_rows = shape_.out_h;
    if (banks_for_data(cols, out_rows) > data_banks) {
      const auto slices = static_cast<int>(hw::rows_in_banks(config_, slice_entries(input_extent(columns_, cols)),
                                                             static_cast<uint32_t>(data_banks)));
      const int most = (slices - rows_.kernel) / rows_.stride + 1;
      if (slices < rows_.kernel || most < 1) {
        return std::nullopt;
      }
      out_rows = ceil_div(shape_.out_h, ceil_div(shape_.out_h, most));  // Chunks of even height.
    }
    Choice choice{.mode = mode,
                  .kernels = kernels,
                  .out_cols = cols,
                  .out_rows = out_rows,
                  .data_banks = banks_for_data(cols, out_rows),
                  .weight_banks = weight_banks,
                  .traffic = 0,
                  .operations = 0};
    if (!measure(choice)) {
      return std::nullopt;
    }
    return choice;
  }

  /// Fills in traffic and operations; false if some piece would read nothing but padding, or write one column of one row
  /// to several surfaces: the hardware takes every 1x1 cube as packed.
  bool measure(Choice& choice) const {
    uint64_t in_columns = 0;
    uint64_t in_rows = 0;
    const std::vector<Piece> cols = cut(columns_, choice.out_cols);
    const std::vector<Piece> rows = cut(rows_, choice.out_rows);
    for (const Piece& x : cols) {
      in_columns += static_cast<uint64_t>(std::max(x.in, 0));
    }
    for (const Piece& y : rows) {
      in_rows += static_cast<uint64_t>(std::max(y.in, 0));
    }
    const auto empty = [](const Piece& p) { return p.in < 1; };
    if (std::any_of(cols.begin(), cols.end(), empty) || std::any_of(rows.begin(), rows.end(), empty)) {
      return false;
    }
    const uint64_t pieces = cols.size() * rows.size();
    const bool single = cols.back().out == 1 && rows.back().out == 1 && cols.size() * rows.size() > 1;
    if (single && choice.kernels > shape_.output_surface) {
      return false;
    }
    const auto splits = static_cast<uint64_t>(ceil_div(shape_.k, choice.kernels));
    const uint64_t channel_bytes = static_cast<uint64_t>(stored_channels()) * hw::bytes_per_element(shape_.precision);
    const uint64_t weight_bytes =
        channel_bytes * static_cast<uint64_t>(shape_.r * shape_.s) * static_cast<uint64_t>(shape_.k);
    choice.traffic = splits * in_columns * in_rows * channel_bytes +
                     (choice.mode == WeightMode::kResident ? weight_bytes : weight_bytes * pieces);
    choice.operations = splits * pieces;
    return true;
  }

  ConvShape shape_;
  const hw::HwConfig& config_;
  Axis columns_, rows_;
  int group_;
  int step_;
};

}  // namespace

Result<ConvPlan> plan_conv(const ConvShape& shape, const hw::HwConfig& config, std::string_view name) {
  const Planner planner(shape, config);
  auto choice = planner.best();
  if (!choice) {
    choice = planner.best_partial();
  }
  if (!choice) {
    return fail(Code::kResourceExhausted,
                "{}: one kernel of {}x{}x{} needs {} CBUF banks and the input of one output element {}, {} has {}", name,
                shape.s, shape.r, shape.c, planner.banks_for_weights(1), planner.banks_for_data(1, 1), config.name,
                config.cbuf_banks);
  }
  return planner.expand(*choice);
}

}  // namespace medlar::compiler::back
