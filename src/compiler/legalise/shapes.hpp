// SPDX-License-Identifier: Apache-2.0
// ONNX shapes as feature cubes, constants as per-channel operands, and sliding-window attributes.
#pragma once

#include <optional>
#include <vector>

#include "compiler/legalise/legalise.hpp"

namespace medlar::compiler {

struct Cube {
  int w = 1, h = 1, c = 1;
  friend bool operator==(const Cube&, const Cube&) = default;
};

/// What the layers of the node compute in: in INT8 builds single nodes stay in FP16.
hw::Precision precision_of(const Question& question, const graph::Node& node);
/// Channels that fill whole memory atoms of that precision.
int channels_in_atoms(const Question& question, const graph::Node& node, int channels);

/// NxCxHxW, NxCxL, NxC and C as a cube for each item of the batch; the refusal names the shape and the limit.
Verdict check_cube(const graph::Value& value);
/// Of a value that check_cube accepts. A list of numbers is a batch of one, its elements the channels.
int64_t batch_of(const graph::Shape& shape);
Cube cube_of(const graph::Shape& shape);

/// A constant that broadcasts over the cube of `shape` per channel or as a scalar: 1 or C numbers. Empty when its shape
/// varies along another axis.
std::optional<std::vector<float>> channel_constant(const graph::Tensor& constant, const graph::Shape& shape);

/// A sliding window over height and width (1-D operators have height 1).
struct Window {
  int kernel_h = 1, kernel_w = 1;
  int stride_y = 1, stride_x = 1;
  int dilation_y = 1, dilation_x = 1;
  int pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
};

/// Reads kernel_shape (or takes `kernel`), strides, dilations, pads and auto_pad of a Conv or pool, and sets the end
/// padding to what output shape `out` needs, so that floor and ceil modes come out alike.
Result<Window> read_window(const graph::Node& node, const graph::Shape& in, const graph::Shape& out,
                           const std::vector<int64_t>& kernel);

/// The input's value; inputs beyond the list and omitted ones are nullptr.
const graph::Value* input_value(const graph::Graph& graph, const graph::Node& node, size_t index);
const graph::Tensor* constant_input(const graph::Graph& graph, const graph::Node& node, size_t index);

/// "name" for the first item of a batch, "name#2" for the third.
std::string item_name(const std::string& name, int item);

/// The tensor that holds an input of a node; a value from outside the segment becomes a segment input, a constant a
/// constant tensor.
TensorId source_tensor(Lowering& lowering, graph::ValueId value);
/// A new tensor for an output.
TensorId result_tensor(Lowering& lowering, graph::ValueId value, const Cube& cube);
/// A tensor between two layers of one node. `range` names the value whose calibrated range it has.
TensorId inner_tensor(Lowering& lowering, const std::string& name, const std::string& range, const Cube& cube);
/// A window of a tensor (or of the tensor that it is itself a window of); the tensor itself when it is just that.
struct Corner {
  int x = 0, y = 0, c = 0;
};
TensorId window_tensor(Lowering& lowering, TensorId whole, const Corner& corner, const Cube& size);

/// Adds a layer for `node` from `src` to its first output, and returns it for the caller to fill.
Layer& add_layer(Lowering& lowering, const graph::Node& node, TensorId src, const Cube& cube);
/// Adds a layer for `node` between two tensors. `part` tells layers of one node apart; may be empty.
Layer& add_part(Lowering& lowering, const graph::Node& node, const std::string& part, TensorId src, TensorId dst);

inline Cube size_of(const LayerTensor& tensor) { return {.w = tensor.w, .h = tensor.h, .c = tensor.c}; }

}  // namespace medlar::compiler
