// SPDX-License-Identifier: Apache-2.0
// Dispatch of lowering, the small engines (CDP, RUBIK) and copies.
#include "compiler/back/lower.hpp"

#include <cstddef>

#include "base/checked.hpp"

namespace medlar::compiler::back {
namespace {

constexpr uint32_t kSourceField = offsetof(hw::PdpSurface, src_data);
constexpr uint32_t kDestinationField = offsetof(hw::PdpSurface, dst_data);
static_assert(kSourceField == offsetof(hw::CdpSurface, src_data) && kSourceField == offsetof(hw::RubikSurface, src_data));
static_assert(kDestinationField == offsetof(hw::CdpSurface, dst_data) &&
              kDestinationField == offsetof(hw::RubikSurface, dst_data));

/// Source and destination as CDP and RUBIK have them: both whole, both in memory.
void connect(const Program& program, const Ends& ends, MachineOp& op) {
  const hw::HwConfig& config = *program.config;
  op.surface.cdp_surface = {.src_data = describe(config, ends.src, whole(ends.src)),
                            .dst_data = describe(config, ends.dst, whole(ends.dst))};
  op.patches = {patch_for(config, ends.src, whole(ends.src), kSourceField),
                patch_for(config, ends.dst, whole(ends.dst), kDestinationField)};
  op.accesses = {access_to(config, ends.src, whole(ends.src), false),
                 access_to(config, ends.dst, whole(ends.dst), true)};
}

}  // namespace

Ends ends_of(const Program& program, size_t index) {
  const HwOp& op = program.graph->ops[index];
  return {program.cubes[static_cast<size_t>(op.src)], program.cubes[static_cast<size_t>(op.dst)]};
}

hw::CvtParam cvt_param(const Converter& converter) {
  if (!converter.enable) {
    return {.scale = 1, .truncate = 0, .enable = 0, .offset = 0};
  }
  return {.scale = static_cast<int16_t>(converter.scale),
          .truncate = static_cast<uint8_t>(converter.shift),
          .enable = 1,
          .offset = converter.offset};
}

hw::DataCube on_the_fly_cube(const hw::HwConfig& config, hw::Precision precision, const Window& window) {
  Cube packed{.precision = precision};
  packed.line_stride = static_cast<uint32_t>(window.w) * config.memory_atom;
  packed.surface_stride = packed.line_stride * static_cast<uint32_t>(window.h);
  hw::DataCube cube = describe(config, packed, window);
  cube.type = NVDLA_MEM_TYPE_HW;
  cube.address = -1;
  return cube;
}

Status lower_lrn(Program& program, size_t index, const LrnOp& lrn) {
  const Ends ends = ends_of(program, index);
  MachineOp op{};
  op.type = NVDLA_OP_TYPE_CDP;
  op.source = static_cast<int>(index);
  connect(program, ends, op);
  op.op.cdp_op = {.in_precision = static_cast<uint8_t>(ends.src.precision),
                  .out_precision = static_cast<uint8_t>(ends.dst.precision),
                  .lut_index = static_cast<int16_t>(lrn.lut),
                  .in_cvt = cvt_param(lrn.input),
                  .out_cvt = cvt_param(lrn.output),
                  .local_size = static_cast<uint8_t>(lrn.local_size),
                  .bypass_sqsum = lrn.bypass_square_sum,
                  .bypass_out_mul = lrn.bypass_multiply,
                  .reserved0 = 0};
  program.ops.push_back(std::move(op));
  return {};
}

void add_rubik(Program& program, size_t index, const RubikTask& task) {
  MachineOp op{};
  op.type = NVDLA_OP_TYPE_RUBIK;
  op.source = static_cast<int>(index);
  connect(program, {task.src, task.dst}, op);
  op.op.rubik_op = {.mode = static_cast<uint8_t>(task.rubik.mode),
                    .precision = static_cast<uint8_t>(task.src.precision),
                    .stride_x = static_cast<uint8_t>(task.rubik.stride_x),
                    .stride_y = static_cast<uint8_t>(task.rubik.stride_y)};
  program.ops.push_back(std::move(op));
}

Status lower_rubik(Program& program, size_t index, const RubikOp& rubik) {
  const Ends ends = ends_of(program, index);
  add_rubik(program, index, {.rubik = rubik, .src = ends.src, .dst = ends.dst});
  return {};
}

/// A copy is an SDP that changes nothing: every configuration has one.
Status lower_copy(Program& program, size_t index, const CopyOp& copy) {
  const Ends ends = ends_of(program, index);
  const SdpParams nothing;
  const SdpTask task{.params = &nothing,
                     .src_precision = ends.src.precision,
                     .src = &ends.src,
                     .src_window = {copy.src_x, copy.src_y, copy.src_c, copy.w, copy.h, copy.c},
                     .dst = &ends.dst,
                     .dst_window = {copy.dst_x, copy.dst_y, copy.dst_c, copy.w, copy.h, copy.c}};
  return add_sdp_from_memory(program, index, task);
}

Status lower_op(Program& program, size_t index) {
  struct Visitor {
    Program& program;
    size_t index;
    Status operator()(const ConvOp& op) const { return lower_conv(program, index, op); }
    Status operator()(const SdpOp& op) const { return lower_sdp(program, index, op); }
    Status operator()(const PoolOp& op) const { return lower_pool(program, index, op); }
    Status operator()(const LrnOp& op) const { return lower_lrn(program, index, op); }
    Status operator()(const CopyOp& op) const { return lower_copy(program, index, op); }
    Status operator()(const RubikOp& op) const { return lower_rubik(program, index, op); }
    Status operator()(const InterleaveOp& op) const { return lower_interleave(program, index, op); }
  };
  return std::visit(Visitor{program, index}, program.graph->ops[index].body);
}

}  // namespace medlar::compiler::back
