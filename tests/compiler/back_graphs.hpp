// SPDX-License-Identifier: Apache-2.0
// Small hardware graphs for tests of the compiler's back half, and random ones.
#pragma once

#include <cstdint>
#include <string>

#include "compiler/hw_graph.hpp"

namespace medlar::compiler::test {

/// Builds a graph operation by operation. Numbers are deterministic and small.
class GraphMaker {
 public:
  explicit GraphMaker(hw::Precision precision, uint32_t seed = 1) : precision_(precision), state_(seed * 2654435761U + 1) {}

  TensorId tensor(int w, int h, int c, TensorRole role = TensorRole::kIntermediate);
  TensorId view(TensorId of, int c0, int c);

  struct Kernel {
    int r = 1, s = 1;
    int stride = 1, pad = 0, dilation = 1;
  };
  /// Convolution with random weights; per-channel bias on X1 when `bias`.
  HwOp& conv(TensorId src, TensorId dst, Kernel kernel, bool bias = true);
  /// Same, to a new intermediate tensor of k channels (or an output).
  TensorId conv_to(TensorId src, int k, Kernel kernel, TensorRole role = TensorRole::kIntermediate);
  /// src + other, element by element, on X1.
  TensorId add_to(TensorId src, TensorId other, TensorRole role = TensorRole::kIntermediate);
  TensorId pool_to(TensorId src, PoolMode mode, int kernel, int stride, int pad, TensorRole role = TensorRole::kIntermediate);
  /// A look-up table on Y.
  TensorId lut_to(TensorId src, int32_t lut, TensorRole role = TensorRole::kIntermediate);

  HwGraph graph;

  uint32_t next();
  int below(int bound) { return static_cast<int>(next() % static_cast<uint32_t>(bound)); }
  HwTensor& at(TensorId id) { return graph.tensors[static_cast<size_t>(id)]; }

 private:
  int16_t weight() { return static_cast<int16_t>(below(15) - 7); }
  /// FP16 of magnitude 2^-bits to 2^(1-bits), either sign.
  uint16_t half(int bits) { return static_cast<uint16_t>(((15 - bits) << 10) + below(0x400) + (below(2) << 15)); }
  Weights weights(int k, int c, int r, int s);
  hw::Precision precision_;
  uint32_t state_;
};

/// A random network of convolutions, additions and poolings with one input and one output.
HwGraph random_graph(hw::Precision precision, uint32_t seed, int operations);

/// ResNet-50 for 224x224 images, without its softmax: 53 convolutions, 16 additions, 2 poolings, 1 fully connected.
HwGraph resnet50(hw::Precision precision);

}  // namespace medlar::compiler::test
