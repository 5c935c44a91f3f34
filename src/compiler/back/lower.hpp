// SPDX-License-Identifier: Apache-2.0
// Lowering: one function per kind of hardware-graph operation appends its machine operations to the program.
#pragma once

#include "base/status.hpp"
#include "compiler/back/machine.hpp"

namespace medlar::compiler::back {

/// Lowers program.graph->ops[index]. Needs placed tensors.
Status lower_op(Program& program, size_t index);

Status lower_conv(Program& program, size_t index, const ConvOp& conv);
Status lower_sdp(Program& program, size_t index, const SdpOp& sdp);
Status lower_pool(Program& program, size_t index, const PoolOp& pool);
Status lower_lrn(Program& program, size_t index, const LrnOp& lrn);
Status lower_copy(Program& program, size_t index, const CopyOp& copy);
Status lower_rubik(Program& program, size_t index, const RubikOp& rubik);
Status lower_interleave(Program& program, size_t index, const InterleaveOp& interleave);

/// Source and destination of an operation.
struct Ends {
  const Cube& src;
  const Cube& dst;
};
Ends ends_of(const Program& program, size_t index);

/// One RUBIK operation between two cubes.
struct RubikTask {
  RubikOp rubik;
  Cube src, dst;
};
void add_rubik(Program& program, size_t index, const RubikTask& task);

/// One SDP operation to build. `src` null: fed on the fly, `src_window` is ignored.
struct SdpTask {
  const SdpParams* params = nullptr;
  hw::Precision src_precision = hw::Precision::kInt8;
  const Cube* src = nullptr;
  Window src_window;
  const Cube* dst = nullptr;
  Window dst_window;
  int first_channel = 0;  ///< Of the layer: where its per-channel operands begin.
};

/// Descriptor, surfaces and accesses of one SDP operation; packs the operands of its channels.
Result<MachineOp> make_sdp(Program& program, size_t index, const SdpTask& task);

/// Appends the operations of an SDP from memory: one, or one a surface where a 1x1 window is cut out of a larger cube
/// (the hardware takes every 1x1 cube as packed).
Status add_sdp_from_memory(Program& program, size_t index, const SdpTask& task);

/// A converter as descriptors hold it; a disabled one is the identity.
hw::CvtParam cvt_param(const Converter& converter);

/// The cube between two units of a fused chain: no memory, strides of a packed cube.
hw::DataCube on_the_fly_cube(const hw::HwConfig& config, hw::Precision precision, const Window& window);

}  // namespace medlar::compiler::back
