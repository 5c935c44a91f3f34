// SPDX-License-Identifier: Apache-2.0
// Interleaving: RUBIK's contraction, or copies whose strides put pixels apart. A copy of w x h pixels can put its lines
// anywhere but not the atoms of a line, so columns go as cubes one atom wide, whose "lines" are the pixels:
//
//   rows:     between[p][s * y + q, x] = phase (q, p)[y, x]      line stride times s
//   columns:  dst[s * i + p] = between[p][i]                     i over all pixels, line stride of s atoms
#include <algorithm>

#include "base/checked.hpp"
#include "compiler/back/lower.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler::back {
namespace {

class Interleaver {
 public:
  Interleaver(Program& program, size_t index, const InterleaveOp& op)
      : program_(program), config_(*program.config), index_(index), op_(op), src_(ends_of(program, index).src),
        dst_(ends_of(program, index).dst) {
    atom_ = static_cast<int>(config_.channels_per_atom(dst_.precision));
    channels_ = round_up(dst_.c, atom_);
  }

  Status make() {
    if (op_.stride_x * op_.stride_y == 1) {
      return reframe();
    }
    if (config_.rubik && !op_.repeat && fits_rubik()) {
      Cube dst = dst_;
      dst.c = channels_;
      add_rubik(program_, index_, {.rubik = {.mode = RubikMode::kContract, .stride_x = op_.stride_x, .stride_y = op_.stride_y},
                                   .src = src_, .dst = dst});
      return {};
    }
    for (int p = 0; p < op_.stride_x; ++p) {
      MEDLAR_TRY(make_column_phase(p));
    }
    return {};
  }

 private:
  /// Rows follow each other without a gap.
  bool packed(const Cube& cube) const {
    return cube.h == 1 || cube.line_stride == static_cast<uint32_t>(cube.w) * config_.memory_atom;
  }

  bool fits_rubik() const {
    const auto& range = hw::kLimits.rubik.deconv_stride;
    return range.contains(static_cast<uint64_t>(op_.stride_x)) && range.contains(static_cast<uint64_t>(op_.stride_y));
  }

  /// The same pixels in rows of another length: both cubes without gaps, one atom wide.
  Status reframe() {
    if (!packed(src_) || !packed(dst_)) {
      return fail(Code::kUnsupported, "{}: rows of {} pixels become rows of {} inside of larger cubes",
                  program_.graph->ops[index_].name, src_.w, dst_.w);
    }
    const int64_t pixels = int64_t{src_.w} * src_.h;
    const auto run = static_cast<int64_t>(hw::kLimits.cube.dimension.max);
    for (int64_t at = 0; at < pixels; at += run) {
      const int count = static_cast<int>(std::min(run, pixels - at));
      const auto column = [&](Cube cube) {
        cube.offset += static_cast<uint64_t>(at) * config_.memory_atom;
        cube.line_stride = config_.memory_atom;
        return cube;
      };
      MEDLAR_TRY(copy(column(src_), {0, 0, 0, 1, count, dst_.c}, column(dst_), {0, 0, 0, 1, count, dst_.c}, dst_));
    }
    return {};
  }

  /// The channels of src that phase (row, column) holds.
  int first_channel(int row, int column) const {
    return op_.repeat ? 0 : (row * op_.stride_x + column) * channels_;
  }

  Status make_column_phase(int p) {
    if (op_.stride_y == 1) {
      return spread_columns(src_, first_channel(0, p), p);
    }
    const bool direct = op_.stride_x == 1;
    // With repetition all phases have the same rows.
    if (p == 0 || !op_.repeat) {
      between_ = direct ? dst_ : add_temporary();
      for (int q = 0; q < op_.stride_y; ++q) {
        MEDLAR_TRY(spread_rows(p, q));
      }
    }
    return direct ? Status{} : spread_columns(between_, 0, p);
  }

  /// Rows of a source phase to every stride_y-th row of between_.
  Status spread_rows(int p, int q) {
    Cube target = between_;
    target.offset += uint64_t{between_.line_stride} * static_cast<uint64_t>(q);
    target.line_stride *= static_cast<uint32_t>(op_.stride_y);
    target.h = src_.h;
    return copy(src_, {0, 0, first_channel(0, p) + (op_.repeat ? 0 : q * op_.stride_x * channels_), src_.w, src_.h, dst_.c},
                target, {0, 0, 0, src_.w, src_.h, dst_.c}, between_);
  }

  /// Pixels of `from` to every stride_x-th pixel of dst, as one-atom cubes of as many lines as fit.
  Status spread_columns(const Cube& from, int channel, int p) {
    const int height = op_.stride_y == 1 ? src_.h : between_.h;
    const int64_t pixels = int64_t{src_.w} * height;
    const int run = packed(from) && packed(dst_) ? static_cast<int>(hw::kLimits.cube.dimension.max) : src_.w;
    for (int64_t at = 0; at < pixels; at += run) {
      const int count = static_cast<int>(std::min<int64_t>(run, pixels - at));
      const auto row = static_cast<uint64_t>(at / src_.w);
      const auto column = static_cast<uint64_t>(at % src_.w);
      Cube source = from;
      source.offset += row * from.line_stride + column * config_.memory_atom;
      source.line_stride = config_.memory_atom;
      Cube target = dst_;
      target.offset += row * dst_.line_stride +
                       (column * static_cast<uint64_t>(op_.stride_x) + static_cast<uint64_t>(p)) * config_.memory_atom;
      target.line_stride = static_cast<uint32_t>(op_.stride_x) * config_.memory_atom;
      MEDLAR_TRY(copy(source, {0, 0, channel, 1, count, dst_.c}, target, {0, 0, 0, 1, count, dst_.c}, dst_));
    }
    return {};
  }

  /// A copy whose cubes lie askew: for ordering it counts as touching all of both.
  Status copy(const Cube& from, const Window& source, const Cube& to, const Window& target, const Cube& whole_target) {
    const SdpParams nothing;
    const size_t first = program_.ops.size();
    MEDLAR_TRY(add_sdp_from_memory(program_, index_, {.params = &nothing, .src_precision = from.precision, .src = &from,
                                                      .src_window = source, .dst = &to, .dst_window = target}));
    const Cube& whole_source = from.buffer == src_.buffer ? src_ : between_;
    for (size_t i = first; i < program_.ops.size(); ++i) {
      program_.ops[i].accesses = {access_to(config_, whole_source, whole(whole_source), false),
                                  access_to(config_, whole_target, whole(whole_target), true)};
    }
    return {};
  }

  Cube add_temporary() {
    Cube cube = dst_;
    cube.buffer = static_cast<BufferId>(program_.buffers.size());
    cube.offset = 0;
    cube.first_surface = 0;
    cube.w = src_.w;
    cube.h = src_.h * op_.stride_y;
    cube.line_stride = static_cast<uint32_t>(cube.w) * config_.memory_atom;
    cube.surface_stride = cube.line_stride * static_cast<uint32_t>(cube.h);
    Buffer buffer;
    buffer.bytes = uint64_t{cube.surface_stride} * static_cast<uint64_t>(channels_ / atom_);
    program_.buffers.push_back(std::move(buffer));
    return cube;
  }

  Program& program_;
  const hw::HwConfig& config_;
  size_t index_;
  const InterleaveOp& op_;
  const Cube src_, dst_;
  Cube between_;
  int atom_ = 1, channels_ = 1;
};

}  // namespace

Status lower_interleave(Program& program, size_t index, const InterleaveOp& interleave) {
  return Interleaver(program, index, interleave).make();
}

}  // namespace medlar::compiler::back
