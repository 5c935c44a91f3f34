// SPDX-License-Identifier: Apache-2.0
#include "compiler/back/keep_weights.hpp"

#include <tuple>

namespace medlar::compiler::back {
namespace {

/// What has to be alike for weights in the CBUF to be those of the next operation.
auto weights_of(const MachineOp& op) {
  const hw::ConvOp& d = op.op.conv_op;
  const CubePatch& weights = op.patches.front();
  return std::tuple(weights.buffer, weights.offset, op.surface.conv_surface.dst_data.channel, d.conv_mode, d.data_format, d.in_precision,
                    d.data_bank, d.weight_bank, d.kernel_width_csc, d.kernel_height_csc, d.kernel_channel_csc, d.bytes_per_kernel,
                    d.post_extension);
}

/// All of them at once; otherwise the first are gone when the last are used.
bool resident(const MachineOp& op, const hw::HwConfig& config) {
  return op.surface.conv_surface.weight_data.size <= op.op.conv_op.weight_bank * config.cbuf_bank_bytes();
}

}  // namespace

void keep_weights(Program& program) {
  MachineOp* before = nullptr;
  for (MachineOp& op : program.ops) {
    if (op.type != NVDLA_OP_TYPE_CONV) {
      continue;
    }
    if (before != nullptr && weights_of(*before) == weights_of(op) && resident(op, *program.config)) {
      before->op.conv_op.skip_weight_rls = 1;
      op.op.conv_op.weight_reuse = 1;
    }
    before = &op;
  }
}

}  // namespace medlar::compiler::back
