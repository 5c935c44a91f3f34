// SPDX-License-Identifier: Apache-2.0
// Layers in double precision.
#include "layer_interpreter.hpp"

#include <algorithm>

#include "compiler/functions.hpp"

namespace medlar::compiler::test {
namespace {

struct Evaluator {
  const LayerGraph& graph;
  std::vector<std::vector<double>> data;

  double& at(TensorId id, int c, int y, int x) {
    const LayerTensor& t = graph.tensor(id);
    if (t.view_of != kNoTensor) {
      return at(t.view_of, c + t.view_c, y + t.view_y, x + t.view_x);
    }
    return data[static_cast<size_t>(id)].at(static_cast<size_t>((c * t.h + y) * t.w + x));
  }

  double conv(const Layer& layer, const ConvLayer& body, int k, int oy, int ox) {
    const LayerTensor& in = graph.tensor(layer.src);
    const int c_group = body.c / body.groups;
    const int first = k / (body.k / body.groups) * c_group;
    double sum = 0.0;
    for (int c = 0; c < c_group; ++c) {
      for (int r = 0; r < body.r; ++r) {
        for (int s = 0; s < body.s; ++s) {
          const int y = oy * body.stride_y - body.pad_top + r * body.dilation_y;
          const int x = ox * body.stride_x - body.pad_left + s * body.dilation_x;
          if (y >= 0 && y < in.h && x >= 0 && x < in.w) {
            sum += at(layer.src, first + c, y, x) *
                   body.weights[static_cast<size_t>(((k * c_group + c) * body.r + r) * body.s + s)];
          }
        }
      }
    }
    return sum;
  }

  double pool(const Layer& layer, const PoolOp& body, int c, int oy, int ox) {
    const LayerTensor& in = graph.tensor(layer.src);
    double sum = 0.0;
    double largest = -1e30;
    for (int r = 0; r < body.kernel_h; ++r) {
      for (int s = 0; s < body.kernel_w; ++s) {
        const int y = oy * body.stride_y - body.pad_top + r;
        const int x = ox * body.stride_x - body.pad_left + s;
        if (y >= 0 && y < in.h && x >= 0 && x < in.w) {
          sum += at(layer.src, c, y, x);
          largest = std::max(largest, at(layer.src, c, y, x));
        }
      }
    }
    return body.mode == PoolMode::kMax ? largest : sum / (body.kernel_w * body.kernel_h);
  }

  double interleaved(const Layer& layer, const InterleaveOp& op, int c, int y, int x) {
    const LayerTensor& in = graph.tensor(layer.src);
    const LayerTensor& out = graph.tensor(layer.dst);
    if (op.stride_x * op.stride_y == 1) {
      const int pixel = y * out.w + x;
      return at(layer.src, c, pixel / in.w, pixel % in.w);
    }
    const int phases = op.repeat ? 1 : op.stride_x * op.stride_y;
    const int phase = op.repeat ? 0 : y % op.stride_y * op.stride_x + x % op.stride_x;
    return at(layer.src, phase * (in.c / phases) + c, y / op.stride_y, x / op.stride_x);
  }

  static double pick(const std::vector<float>& values, int c, double absent) {
    return values.empty() ? absent : values[values.size() == 1 ? 0 : static_cast<size_t>(c)];
  }

  double apply(const Step& step, double value, int c, int y, int x) {
    const double other = step.operand == kNoTensor ? 0.0 : at(step.operand, c, step.spread ? 0 : y, step.spread ? 0 : x);
    switch (step.kind) {
      case StepKind::kAffine: return value * pick(step.mul, c, 1.0) + pick(step.add, c, 0.0);
      case StepKind::kRelu: return std::max(0.0, value);
      case StepKind::kPrelu: return value < 0.0 ? value * pick(step.mul, c, 1.0) : value;
      case StepKind::kMin: return std::min<double>(value, step.add[0]);
      case StepKind::kMax: return std::max<double>(value, step.add[0]);
      case StepKind::kAddTensor: return value + other;
      case StepKind::kMulTensor: return value * other;
      case StepKind::kMaxTensor: return std::max(value, other);
      case StepKind::kMinTensor: return std::min(value, other);
      case StepKind::kTable: return medlar::compiler::evaluate(step, value);
    }
    return value;
  }

  void run(const Layer& layer) {
    const LayerTensor& out = graph.tensor(layer.dst);
    for (int c = 0; c < out.c; ++c) {
      for (int y = 0; y < out.h; ++y) {
        for (int x = 0; x < out.w; ++x) {
          double value = 0.0;
          if (const auto* body = std::get_if<ConvLayer>(&layer.body)) {
            value = conv(layer, *body, c, y, x);
          } else if (const auto* pooling = std::get_if<PoolLayer>(&layer.body)) {
            value = pool(layer, pooling->pool, c, y, x);
          } else if (const auto* interleave = std::get_if<InterleaveLayer>(&layer.body)) {
            value = interleaved(layer, interleave->op, c, y, x);
          } else {
            value = at(layer.src, c, y, x);
          }
          for (const Step& step : layer.steps) {
            value = apply(step, value, c, y, x);
          }
          at(layer.dst, c, y, x) = value;
        }
      }
    }
  }
};

}  // namespace

std::map<std::string, std::vector<double>> evaluate(const LayerGraph& graph,
                                                    const std::map<std::string, std::vector<double>>& inputs) {
  Evaluator evaluator{graph, std::vector<std::vector<double>>(graph.tensors.size())};
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const LayerTensor& t = graph.tensors[i];
    if (t.view_of == kNoTensor) {
      evaluator.data[i].assign(static_cast<size_t>(t.w * t.h * t.c), 0.0);
    }
    if (t.role == TensorRole::kConstant) {
      evaluator.data[i].assign(t.contents.begin(), t.contents.end());
    }
    if (t.role == TensorRole::kInput) {
      evaluator.data[i] = inputs.at(t.name);
    }
  }
  for (const Layer& layer : graph.layers) {
    evaluator.run(layer);
  }
  std::map<std::string, std::vector<double>> values;
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    if (graph.tensors[i].view_of == kNoTensor) {
      values[graph.tensors[i].name] = std::move(evaluator.data[i]);
    }
  }
  return values;
}

}  // namespace medlar::compiler::test
