// SPDX-License-Identifier: Apache-2.0
// RUBIK's three modes.
#include "chip/rubik/rubik.hpp"

#include <algorithm>
#include <cstring>

#include "base/checked.hpp"
#include "chip/memory/dma.hpp"

namespace medlar::chip {
namespace {

class RubikRun {
 public:
  RubikRun(const hw::HwConfig& config, const hw::RubikGroup& registers, MemoryPort& memory)
      : r_(registers),
        reader_(memory, ram_of(registers.datain_ram_type)),
        writer_(memory, ram_of(registers.dataout_ram_type)),
        atom_(config.memory_atom),
        element_(hw::bytes_per_element(static_cast<hw::Precision>(registers.in_precision))),
        per_atom_(static_cast<int>(atom_ / element_)),
        w_(static_cast<int>(registers.datain_width) + 1),
        h_(static_cast<int>(registers.datain_height) + 1),
        in_c_(static_cast<int>(registers.datain_channel) + 1),
        out_c_(static_cast<int>(registers.dataout_channel) + 1) {}

  Status contract();
  Status split();
  Status merge();

 private:
  Status contract_line(int surface, int y, int step_y);
  Status split_line(int surface, int y);
  Status merge_line(int surface, int y);
  uint64_t in_row(int surface, int y) const {
    return r_.dain_addr() + uint64_t{r_.dain_surf_stride} * static_cast<uint64_t>(surface) +
           uint64_t{r_.dain_line_stride} * static_cast<uint64_t>(y);
  }
  uint64_t out_row(int surface, int y) const {
    return r_.daout_addr() + uint64_t{r_.daout_surf_stride} * static_cast<uint64_t>(surface) +
           uint64_t{r_.daout_line_stride} * static_cast<uint64_t>(y);
  }
  /// Bytes of one line of a plane, whole atoms.
  uint64_t plane_row_bytes() const { return round_up<uint64_t>(static_cast<uint64_t>(w_) * element_, atom_); }

  const hw::RubikGroup& r_;
  DmaReader reader_;
  DmaWriter writer_;
  uint32_t atom_;
  uint32_t element_;
  int per_atom_;
  int w_;
  int h_;
  int in_c_;
  int out_c_;
};

/// out[c, y * sy + j, x * sx + i] = in[(j * sx + i) * out_c + c, y, x], atom by atom.
Status RubikRun::contract_line(int surface, int y, int step_y) {
  const int stride_x = static_cast<int>(r_.deconv_x_stride) + 1;
  const int out_surfaces = ceil_div(out_c_, per_atom_);
  const uint64_t address = r_.daout_addr() + uint64_t{r_.daout_surf_stride} * static_cast<uint64_t>(surface) +
                           uint64_t{r_.contract_stride_1} * static_cast<uint64_t>(y) +
                           uint64_t{r_.daout_line_stride} * static_cast<uint64_t>(step_y);
  const uint64_t row = uint64_t{atom_} * static_cast<uint64_t>(w_);
  MEDLAR_ASSIGN(const auto out, writer_.open(address, row * static_cast<uint64_t>(stride_x)));
  for (int i = 0; i < stride_x; ++i) {
    const int in_surface = (step_y * stride_x + i) * out_surfaces + surface;
    MEDLAR_ASSIGN(const auto in, reader_.fetch(in_row(in_surface, y), row));
    for (size_t x = 0; x < static_cast<size_t>(w_); ++x) {
      std::memcpy(out.data() + (x * static_cast<size_t>(stride_x) + static_cast<size_t>(i)) * atom_, in.data() + x * atom_, atom_);
    }
  }
  return writer_.commit();
}

Status RubikRun::contract() {
  const int stride_x = static_cast<int>(r_.deconv_x_stride) + 1;
  const int stride_y = static_cast<int>(r_.deconv_y_stride) + 1;
  const int out_surfaces = ceil_div(out_c_, per_atom_);
  constexpr int kMaxWidth = 8192;
  if (static_cast<int64_t>(w_) * stride_x > kMaxWidth || static_cast<int64_t>(h_) * stride_y > kMaxWidth) {
    return fail(Code::kFault, "RUBIK.D_DECONV_STRIDE: {} x {} times {} x {} exceeds {}", w_, h_, stride_x, stride_y, kMaxWidth);
  }
  MEDLAR_TRY(check_cube_size("RUBIK", w_ * stride_x, h_ * stride_y, out_surfaces, atom_));
  for (int surface = 0; surface < out_surfaces; ++surface) {
    for (int y = 0; y < h_; ++y) {
      for (int j = 0; j < stride_y; ++j) {
        MEDLAR_TRY(contract_line(surface, y, j));
      }
    }
  }
  return {};
}

Status RubikRun::split_line(int surface, int y) {
  MEDLAR_ASSIGN(const auto in, reader_.fetch(in_row(surface, y), uint64_t{atom_} * static_cast<uint64_t>(w_)));
  const int planes = std::min(per_atom_, out_c_ - surface * per_atom_);
  for (int plane = 0; plane < planes; ++plane) {
    const uint64_t address = r_.daout_addr() + uint64_t{r_.daout_line_stride} * static_cast<uint64_t>(y) +
                             uint64_t{r_.daout_planar_stride} * static_cast<uint64_t>(surface * per_atom_ + plane);
    MEDLAR_ASSIGN(const auto out, writer_.open(address, plane_row_bytes()));
    std::fill(out.begin(), out.end(), uint8_t{0});
    for (size_t x = 0; x < static_cast<size_t>(w_); ++x) {
      std::memcpy(out.data() + x * element_, in.data() + x * atom_ + static_cast<size_t>(plane) * element_, element_);
    }
    MEDLAR_TRY(writer_.commit());
  }
  return {};
}

Status RubikRun::merge_line(int surface, int y) {
  MEDLAR_ASSIGN(const auto out, writer_.open(out_row(surface, y), uint64_t{atom_} * static_cast<uint64_t>(w_)));
  std::fill(out.begin(), out.end(), uint8_t{0});
  const int planes = std::min(per_atom_, in_c_ - surface * per_atom_);
  for (int plane = 0; plane < planes; ++plane) {
    const uint64_t address = r_.dain_addr() + uint64_t{r_.dain_line_stride} * static_cast<uint64_t>(y) +
                             uint64_t{r_.dain_planar_stride} * static_cast<uint64_t>(surface * per_atom_ + plane);
    MEDLAR_ASSIGN(const auto in, reader_.fetch(address, plane_row_bytes()));
    for (size_t x = 0; x < static_cast<size_t>(w_); ++x) {
      std::memcpy(out.data() + x * atom_ + static_cast<size_t>(plane) * element_, in.data() + x * element_, element_);
    }
  }
  return writer_.commit();
}

Status RubikRun::split() {
  const int surfaces = ceil_div(out_c_, per_atom_);
  if (surfaces != ceil_div(in_c_, per_atom_)) {
    return fail(Code::kFault, "RUBIK.D_DATAOUT_SIZE_1: {} channels out of {} in split mode", out_c_, in_c_);
  }
  MEDLAR_TRY(check_cube_size("RUBIK", w_, h_, surfaces, atom_));
  for (int surface = 0; surface < surfaces; ++surface) {
    for (int y = 0; y < h_; ++y) {
      MEDLAR_TRY(split_line(surface, y));
    }
  }
  return {};
}

Status RubikRun::merge() {
  const int surfaces = ceil_div(in_c_, per_atom_);
  MEDLAR_TRY(check_cube_size("RUBIK", w_, h_, surfaces, atom_));
  for (int surface = 0; surface < surfaces; ++surface) {
    for (int y = 0; y < h_; ++y) {
      MEDLAR_TRY(merge_line(surface, y));
    }
  }
  return {};
}

}  // namespace

Status run_rubik(const hw::HwConfig& config, const hw::RubikGroup& registers, MemoryPort& memory) {
  if (registers.in_precision > static_cast<uint32_t>(hw::Precision::kFp16)) {
    return fail(Code::kFault, "RUBIK.D_MISC_CFG: precision code {} is reserved", registers.in_precision);
  }
  RubikRun run(config, registers, memory);
  switch (registers.rubik_mode) {
    case hw::value::kRubikModeContract: return run.contract();
    case hw::value::kRubikModeSplit: return run.split();
    case hw::value::kRubikModeMerge: return run.merge();
    default: return fail(Code::kFault, "RUBIK.D_MISC_CFG: RUBIK_MODE {} is reserved", registers.rubik_mode);
  }
}

}  // namespace medlar::chip
