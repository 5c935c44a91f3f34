// SPDX-License-Identifier: Apache-2.0
// The part of a convolution that quantisation leaves alone.
#pragma once

#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

inline void set_geometry(const ConvLayer& conv, ConvOp& op) {
  op.stride_x = conv.stride_x;
  op.stride_y = conv.stride_y;
  op.dilation_x = conv.dilation_x;
  op.dilation_y = conv.dilation_y;
  op.pad_left = conv.pad_left;
  op.pad_right = conv.pad_right;
  op.pad_top = conv.pad_top;
  op.pad_bottom = conv.pad_bottom;
}

}  // namespace medlar::compiler
