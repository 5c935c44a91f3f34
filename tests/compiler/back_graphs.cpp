// SPDX-License-Identifier: Apache-2.0
// Small hardware graphs for tests of the compiler's back half.
#include "back_graphs.hpp"

#include <cmath>

namespace medlar::compiler::test {
namespace {

/// Half of the binary logarithm: weights of 2^-n keep the spread of their inputs.
int fan_in_bits(int fan_in) { return static_cast<int>(std::lround(std::log2(fan_in) / 2)); }

}  // namespace

uint32_t GraphMaker::next() {
  state_ ^= state_ << 13;
  state_ ^= state_ >> 17;
  state_ ^= state_ << 5;
  return state_ >> 3;
}

TensorId GraphMaker::tensor(int w, int h, int c, TensorRole role) {
  HwTensor t;
  t.name = "t" + std::to_string(graph.tensors.size());
  t.w = w;
  t.h = h;
  t.c = c;
  t.precision = precision_;
  t.role = role;
  graph.tensors.push_back(t);
  return static_cast<TensorId>(graph.tensors.size() - 1);
}

TensorId GraphMaker::view(TensorId of, int c0, int c) {
  const TensorId id = tensor(at(of).w, at(of).h, c);
  at(id).view_of = of;
  at(id).view_c = c0;
  return id;
}

Weights GraphMaker::weights(int k, int c, int r, int s) {
  Weights w{.k = k, .c = c, .r = r, .s = s, .integers = {}, .halves = {}};
  const size_t count = static_cast<size_t>(k) * static_cast<size_t>(c) * static_cast<size_t>(r * s);
  for (size_t i = 0; i < count; ++i) {
    if (precision_ == hw::Precision::kFp16) {
      w.halves.push_back(half(fan_in_bits(c * r * s)));
    } else {
      w.integers.push_back(weight());
    }
  }
  return w;
}

HwOp& GraphMaker::conv(TensorId src, TensorId dst, Kernel kernel, bool bias) {
  ConvOp conv;
  conv.weights = weights(at(dst).c, at(src).c, kernel.r, kernel.s);
  conv.stride_x = conv.stride_y = kernel.stride;
  conv.dilation_x = conv.dilation_y = kernel.dilation;
  conv.pad_left = conv.pad_right = conv.pad_top = conv.pad_bottom = kernel.pad;
  if (bias) {
    SdpStage& x1 = conv.sdp.x1;
    x1.enable = true;
    x1.type = SdpStageType::kAlu;
    x1.mode = SdpOperandMode::kPerChannel;
    x1.activation = SdpActivation::kRelu;
    x1.operand_precision = precision_ == hw::Precision::kFp16 ? hw::Precision::kFp16 : hw::Precision::kInt16;
    for (int k = 0; k < at(dst).c; ++k) {
      x1.alu_operand.push_back(precision_ == hw::Precision::kFp16 ? half(2) : weight());
    }
  }
  if (precision_ != hw::Precision::kFp16) {
    // Outputs spread about as far as inputs: weights have a deviation of about 4.3.
    const double fan_in = static_cast<double>(at(src).c) * kernel.r * kernel.s;
    conv.sdp.output = {.enable = true, .offset = 0, .scale = static_cast<int32_t>(32767 / (4.3 * std::sqrt(fan_in))), .shift = 15};
  }
  graph.ops.push_back({.name = "conv" + std::to_string(graph.ops.size()),
                       .origins = {"node" + std::to_string(graph.ops.size())},
                       .src = src,
                       .dst = dst,
                       .body = std::move(conv)});
  return graph.ops.back();
}

TensorId GraphMaker::conv_to(TensorId src, int k, Kernel kernel, TensorRole role) {
  const auto extent = [&](int in, int taps) {
    return (in + 2 * kernel.pad - ((taps - 1) * kernel.dilation + 1)) / kernel.stride + 1;
  };
  const TensorId dst = tensor(extent(at(src).w, kernel.s), extent(at(src).h, kernel.r), k, role);
  conv(src, dst, kernel);
  return dst;
}

TensorId GraphMaker::add_to(TensorId src, TensorId other, TensorRole role) {
  const TensorId dst = tensor(at(src).w, at(src).h, at(src).c, role);
  SdpOp sdp;
  sdp.sdp.x1.enable = true;
  sdp.sdp.x1.type = SdpStageType::kAlu;
  sdp.sdp.x1.mode = SdpOperandMode::kPerElement;
  sdp.sdp.x1.operand_precision = precision_;
  sdp.sdp.x1.element_operand = other;
  graph.ops.push_back({.name = "add" + std::to_string(graph.ops.size()), .origins = {}, .src = src, .dst = dst, .body = sdp});
  return dst;
}

TensorId GraphMaker::pool_to(TensorId src, PoolMode mode, int kernel, int stride, int pad, TensorRole role) {
  const auto extent = [&](int in) { return (in + 2 * pad - kernel) / stride + 1; };
  const TensorId dst = tensor(extent(at(src).w), extent(at(src).h), at(src).c, role);
  PoolOp pool{.mode = mode,
              .kernel_w = kernel,
              .kernel_h = kernel,
              .stride_x = stride,
              .stride_y = stride,
              .pad_left = pad,
              .pad_right = pad,
              .pad_top = pad,
              .pad_bottom = pad,
              .pad_value = 0};
  graph.ops.push_back({.name = "pool" + std::to_string(graph.ops.size()), .origins = {}, .src = src, .dst = dst, .body = pool});
  return dst;
}

TensorId GraphMaker::lut_to(TensorId src, int32_t lut, TensorRole role) {
  const TensorId dst = tensor(at(src).w, at(src).h, at(src).c, role);
  SdpOp sdp;
  sdp.sdp.y.enable = true;
  sdp.sdp.y.activation = SdpActivation::kLut;
  sdp.sdp.lut = lut;
  graph.ops.push_back({.name = "lut" + std::to_string(graph.ops.size()), .origins = {}, .src = src, .dst = dst, .body = sdp});
  return dst;
}

HwGraph random_graph(hw::Precision precision, uint32_t seed, int operations) {
  GraphMaker maker(precision, seed);
  std::vector<TensorId> made{maker.tensor(4 + maker.below(20), 4 + maker.below(20), 1 + maker.below(40), TensorRole::kInput)};
  for (int i = 0; i + 1 < operations; ++i) {
    const TensorId src = made[made.size() - 1 - static_cast<size_t>(maker.below(static_cast<int>(std::min<size_t>(made.size(), 3))))];
    const int kind = maker.below(4);
    const HwTensor& t = maker.at(src);
    if (kind == 0) {
      TensorId other = kNoTensor;
      for (const TensorId candidate : made) {
        const HwTensor& o = maker.at(candidate);
        other = candidate != src && o.w == t.w && o.h == t.h && o.c == t.c ? candidate : other;
      }
      made.push_back(other != kNoTensor ? maker.add_to(src, other) : maker.conv_to(src, t.c, {.r = 3, .s = 3, .pad = 1}));
    } else if (kind == 1 && t.w >= 3 && t.h >= 3) {
      made.push_back(maker.pool_to(src, maker.below(2) == 0 ? PoolMode::kMax : PoolMode::kAverage, 3, 1 + maker.below(2), 1));
    } else {
      const int taps = t.w >= 3 && t.h >= 3 ? 1 + 2 * maker.below(2) : 1;
      made.push_back(maker.conv_to(src, 1 + maker.below(70), {.r = taps, .s = taps, .stride = 1 + maker.below(2), .pad = taps / 2}));
    }
  }
  maker.conv_to(made.back(), 10, {}, TensorRole::kOutput);
  return maker.graph;
}

HwGraph resnet50(hw::Precision precision) {
  GraphMaker m(precision);
  TensorId t = m.tensor(224, 224, 3, TensorRole::kInput);
  t = m.conv_to(t, 64, {.r = 7, .s = 7, .stride = 2, .pad = 3});
  t = m.pool_to(t, PoolMode::kMax, 3, 2, 1);
  constexpr int kBlocks[] = {3, 4, 6, 3};
  for (int stage = 0; stage < 4; ++stage) {
    const int width = 64 << stage;
    for (int block = 0; block < kBlocks[stage]; ++block) {
      const int stride = stage > 0 && block == 0 ? 2 : 1;
      const TensorId shortcut = block == 0 ? m.conv_to(t, 4 * width, {.stride = stride}) : t;
      TensorId x = m.conv_to(t, width, {});
      x = m.conv_to(x, width, {.r = 3, .s = 3, .stride = stride, .pad = 1});
      const TensorId sum = m.conv_to(x, 4 * width, {});
      SdpStage& x2 = std::get<ConvOp>(m.graph.ops.back().body).sdp.x2;
      x2.enable = true;
      x2.type = SdpStageType::kAlu;
      x2.mode = SdpOperandMode::kPerElement;
      x2.operand_precision = precision;
      x2.element_operand = shortcut;
      t = sum;
    }
  }
  t = m.pool_to(t, PoolMode::kAverage, 7, 1, 0);
  m.conv_to(t, 1000, {}, TensorRole::kOutput);
  return m.graph;
}

}  // namespace medlar::compiler::test
