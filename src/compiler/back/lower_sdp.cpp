// SPDX-License-Identifier: Apache-2.0
// SDP operations: stages, operands packed as the reader units expect them, on-the-fly or from memory.
#include <algorithm>
#include <array>
#include <cstddef>

#include "base/checked.hpp"
#include "compiler/back/lower.hpp"

namespace medlar::compiler::back {
namespace {

constexpr std::array<uint32_t, 3> kOperandFields{offsetof(hw::SdpSurface, x1_data), offsetof(hw::SdpSurface, x2_data),
                                                 offsetof(hw::SdpSurface, y_data)};
constexpr std::array<std::string_view, 3> kStageNames{"X1", "X2", "Y"};

void append(ByteBuffer& bytes, int32_t value, uint32_t size) {
  bytes.push_back(static_cast<uint8_t>(value));
  if (size == 2) {
    bytes.push_back(static_cast<uint8_t>(static_cast<uint32_t>(value) >> 8));
  }
}

/// Operands of `count` channels from `first`: one value a channel, or ALU and multiplier operand in turns. Filled up to
/// whole surfaces, because the reader fetches whole atoms.
ByteBuffer pack_operands(const SdpStage& stage, int first, int count, int channels_per_surface) {
  const uint32_t size = hw::bytes_per_element(stage.operand_precision);
  const bool alu = stage.type != SdpStageType::kMul;
  const bool mul = stage.type != SdpStageType::kAlu;
  ByteBuffer bytes;
  const int filled = round_up(count, channels_per_surface);
  for (int i = 0; i < filled; ++i) {
    const auto channel = static_cast<size_t>(first + i);
    if (alu) {
      append(bytes, i < count ? stage.alu_operand[channel] : 0, size);
    }
    if (mul) {
      append(bytes, i < count ? stage.mul_operand[channel] : 0, size);
    }
  }
  return bytes;
}

hw::SdpSubOp stage_descriptor(const SdpStage& stage) {
  hw::SdpSubOp d{};
  if (!stage.enable) {
    return d;
  }
  d.enable = 1;
  d.alu_type = static_cast<uint8_t>(stage.alu);
  d.type = static_cast<uint8_t>(stage.type);
  d.mode = static_cast<uint8_t>(stage.mode);
  d.act = static_cast<uint8_t>(stage.activation);
  d.shift_value = static_cast<uint8_t>(stage.alu_shift);
  d.truncate = static_cast<uint8_t>(stage.truncate);
  d.precision = static_cast<uint8_t>(stage.operand_precision);
  d.mul_operand = 1;
  if (stage.mode == SdpOperandMode::kPerLayer) {
    d.alu_operand = stage.alu_operand.empty() ? 0 : stage.alu_operand[0];
    d.mul_operand = stage.mul_operand.empty() ? 1 : stage.mul_operand[0];
  }
  d.alu_cvt = cvt_param(stage.alu_converter);
  d.mul_cvt = cvt_param(stage.mul_converter);
  return d;
}

class SdpMaker {
 public:
  SdpMaker(Program& program, size_t index, const SdpTask& task)
      : program_(program), config_(*program.config), index_(index), task_(task) {}

  Result<MachineOp> make() {
    const SdpParams& p = *task_.params;
    op_.type = NVDLA_OP_TYPE_SDP;
    op_.source = static_cast<int>(index_);
    op_.fused = task_.src == nullptr;
    hw::SdpOp d{};
    d.src_precision = static_cast<uint8_t>(task_.src_precision);
    d.dst_precision = static_cast<uint8_t>(task_.dst->precision);
    d.lut_index = static_cast<int16_t>(p.lut);
    d.out_cvt = cvt_param(p.output);
    d.batch_num = 1;
    d.x1_op = stage_descriptor(p.x1);
    d.x2_op = stage_descriptor(p.x2);
    d.y_op = stage_descriptor(p.y);
    op_.op.sdp_op = d;
    connect_ends();
    std::array<hw::DataCube, 3> operands{};
    const std::array<const SdpStage*, 3> stages{&p.x1, &p.x2, &p.y};
    for (size_t i = 0; i < stages.size(); ++i) {
      MEDLAR_ASSIGN(operands[i], operand_cube(*stages[i], i));
    }
    surface_.x1_data = operands[0];
    surface_.x2_data = operands[1];
    surface_.y_data = operands[2];
    op_.surface.sdp_surface = surface_;
    return std::move(op_);
  }

 private:
  void connect_ends() {
    const Window& out = task_.dst_window;
    surface_.dst_data = describe(config_, *task_.dst, out);
    op_.patches.push_back(patch_for(config_, *task_.dst, out, offsetof(hw::SdpSurface, dst_data)));
    op_.accesses.push_back(access_to(config_, *task_.dst, out, true));
    if (task_.src == nullptr) {
      surface_.src_data = on_the_fly_cube(config_, task_.src_precision, out);
      return;
    }
    surface_.src_data = describe(config_, *task_.src, task_.src_window);
    op_.patches.push_back(patch_for(config_, *task_.src, task_.src_window, offsetof(hw::SdpSurface, src_data)));
    op_.accesses.push_back(access_to(config_, *task_.src, task_.src_window, false));
  }

  Result<hw::DataCube> operand_cube(const SdpStage& stage, size_t which) {
    const bool from_memory = stage.enable && stage.type != SdpStageType::kNone && stage.mode != SdpOperandMode::kPerLayer;
    if (!from_memory) {
      return hw::DataCube{};
    }
    return stage.mode == SdpOperandMode::kPerChannel ? channel_operand(stage, which) : element_operand(stage, which);
  }

  /// A 1x1 tensor: its atoms lie as a list of operands does.
  Result<hw::DataCube> channel_tensor(const SdpStage& stage, size_t which) {
    const Cube& cube = program_.cubes[static_cast<size_t>(stage.element_operand)];
    if (hw::bytes_per_element(cube.precision) != hw::bytes_per_element(task_.src_precision) ||
        cube.surface_stride != config_.memory_atom) {
      return fail(Code::kUnsupported, "{}: {} operand of {} channels is no packed 1x1 cube", program_.graph->ops[index_].name,
                  kStageNames[which], cube.c);
    }
    const Window window{0, 0, task_.first_channel, 1, 1, task_.dst_window.c};
    op_.patches.push_back(patch_for(config_, cube, window, kOperandFields[which]));
    op_.accesses.push_back(access_to(config_, cube, window, false));
    return describe(config_, cube, window);
  }

  Result<hw::DataCube> channel_operand(const SdpStage& stage, size_t which) {
    if (stage.element_operand != kNoTensor) {
      return channel_tensor(stage, which);
    }
    const auto per = static_cast<int>(config_.channels_per_atom(task_.src_precision));
    const BufferId buffer = add_constant(program_, pack_operands(stage, task_.first_channel, task_.dst_window.c, per));
    op_.patches.push_back({.field = kOperandFields[which], .buffer = buffer, .offset = 0});
    hw::DataCube cube{};
    cube.type = NVDLA_MEM_TYPE_MC;
    cube.size = static_cast<uint32_t>(program_.buffers[static_cast<size_t>(buffer)].bytes);
    cube.width = 1;
    cube.height = 1;
    cube.channel = static_cast<uint16_t>(task_.dst_window.c);
    cube.line_stride = config_.memory_atom;
    cube.surf_stride = config_.memory_atom;
    return cube;
  }

  /// A tensor beside the data: same window as the destination, same bytes an element as the data (a two-byte operand
  /// beside one-byte data would need atoms of twice the size, which no engine writes).
  Result<hw::DataCube> element_operand(const SdpStage& stage, size_t which) {
    const Cube& cube = program_.cubes[static_cast<size_t>(stage.element_operand)];
    if (hw::bytes_per_element(cube.precision) != hw::bytes_per_element(task_.src_precision)) {
      return fail(Code::kUnsupported, "{}: {} operand of {} elements beside {} data", program_.graph->ops[index_].name,
                  kStageNames[which], hw::precision_name(cube.precision), hw::precision_name(task_.src_precision));
    }
    op_.patches.push_back(patch_for(config_, cube, task_.dst_window, kOperandFields[which]));
    op_.accesses.push_back(access_to(config_, cube, task_.dst_window, false));
    return describe(config_, cube, task_.dst_window);
  }

  Program& program_;
  const hw::HwConfig& config_;
  size_t index_;
  SdpTask task_;
  MachineOp op_{};
  hw::SdpSurface surface_{};
};

}  // namespace

Result<MachineOp> make_sdp(Program& program, size_t index, const SdpTask& task) {
  return SdpMaker(program, index, task).make();
}

Status add_sdp_from_memory(Program& program, size_t index, const SdpTask& task) {
  const hw::HwConfig& config = *program.config;
  const auto per = static_cast<int>(
      std::max(config.channels_per_atom(task.src->precision), config.channels_per_atom(task.dst->precision)));
  const bool packed = task.src->surface_stride == config.memory_atom && task.dst->surface_stride == config.memory_atom;
  const bool single = task.dst_window.w == 1 && task.dst_window.h == 1 && !packed;
  const int step = single ? per : task.dst_window.c;
  for (int c0 = 0; c0 < task.dst_window.c; c0 += step) {
    SdpTask part = task;
    part.first_channel = task.first_channel + c0;
    part.src_window.c0 += c0;
    part.dst_window.c0 += c0;
    part.src_window.c = part.dst_window.c = std::min(step, task.dst_window.c - c0);
    MEDLAR_ASSIGN(MachineOp op, make_sdp(program, index, part));
    program.ops.push_back(std::move(op));
  }
  return {};
}

Status lower_sdp(Program& program, size_t index, const SdpOp& sdp) {
  const HwOp& op = program.graph->ops[index];
  const Cube& src = program.cubes[static_cast<size_t>(op.src)];
  const Cube& dst = program.cubes[static_cast<size_t>(op.dst)];
  const SdpTask task{.params = &sdp.sdp,
                     .src_precision = src.precision,
                     .src = &src,
                     .src_window = whole(src),
                     .dst = &dst,
                     .dst_window = whole(dst)};
  return add_sdp_from_memory(program, index, task);
}

}  // namespace medlar::compiler::back
