// SPDX-License-Identifier: Apache-2.0
// Element by element, as the arithmetic is written down; nothing shared with the chip model.
#include "hw_interpreter.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

namespace medlar::compiler::test {
namespace {

using Wide = __int128;

Wide saturated(Wide value, int bits) {
  const Wide high = (Wide{1} << (bits - 1)) - 1;
  return std::clamp<Wide>(value, -high - 1, high);
}

/// Right shift, halves away from zero, saturated.
int64_t rs(Wide value, int shift, int bits) {
  const Wide magnitude = value < 0 ? -value : value;
  const Wide rounded = shift == 0 ? magnitude : ((magnitude >> (shift - 1)) + 1) >> 1;
  return static_cast<int64_t>(saturated(value < 0 ? -rounded : rounded, bits));
}

int64_t shl(int64_t value, int shift) { return static_cast<int64_t>(saturated(Wide{value} << shift, 32)); }

double half_to_double(int32_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

struct Position {
  int c = 0, y = 0, x = 0;
};

class Machine {
 public:
  explicit Machine(const HwGraph& graph) : graph_(graph), data_(graph.tensors.size()) {
    for (size_t i = 0; i < graph.tensors.size(); ++i) {
      const HwTensor& t = graph.tensors[i];
      if (t.view_of == kNoTensor) {
        data_[i].assign(static_cast<size_t>(t.w) * static_cast<size_t>(t.h) * static_cast<size_t>(t.c), 0.0);
      }
      for (size_t e = 0; e < t.contents.size(); ++e) {
        data_[i][e] = t.precision == hw::Precision::kFp16 ? half_to_double(static_cast<uint16_t>(t.contents[e])) : t.contents[e];
      }
    }
  }

  double& at(TensorId id, Position p) {
    const HwTensor& t = graph_.tensors[static_cast<size_t>(id)];
    if (t.view_of != kNoTensor) {
      return at(t.view_of, {p.c + t.view_c, p.y + t.view_y, p.x + t.view_x});
    }
    const size_t index = (static_cast<size_t>(p.c) * static_cast<size_t>(t.h) + static_cast<size_t>(p.y)) *
                             static_cast<size_t>(t.w) + static_cast<size_t>(p.x);
    return data_[static_cast<size_t>(id)].at(index);
  }

  std::vector<double>& data(size_t id) { return data_[id]; }
  const HwTensor& tensor(TensorId id) const { return graph_.tensors[static_cast<size_t>(id)]; }

  void run() {
    for (const HwOp& op : graph_.ops) {
      if (const auto* conv = std::get_if<ConvOp>(&op.body)) {
        for_each(op.dst, [&](Position p) { at(op.dst, p) = sdp(op, conv->sdp, p, accumulate(op, *conv, p)); });
      } else if (const auto* alone = std::get_if<SdpOp>(&op.body)) {
        for_each(op.dst, [&](Position p) { at(op.dst, p) = sdp(op, alone->sdp, p, at(op.src, p)); });
      } else if (const auto* pool = std::get_if<PoolOp>(&op.body)) {
        for_each(op.dst, [&](Position p) { at(op.dst, p) = pooled(op, *pool, p); });
      } else if (const auto* interleave = std::get_if<InterleaveOp>(&op.body)) {
        for_each(op.dst, [&](Position p) { at(op.dst, p) = interleaved(op, *interleave, p); });
      } else {
        std::abort();
      }
    }
  }

 private:
  template <typename Body>
  void for_each(TensorId id, const Body& body) {
    const HwTensor& t = tensor(id);
    for (int c = 0; c < t.c; ++c) {
      for (int y = 0; y < t.h; ++y) {
        for (int x = 0; x < t.w; ++x) {
          body(Position{c, y, x});
        }
      }
    }
  }

  bool floating(TensorId id) const { return tensor(id).precision == hw::Precision::kFp16; }

  double accumulate(const HwOp& op, const ConvOp& conv, Position p) {
    const HwTensor& in = tensor(op.src);
    const Weights& w = conv.weights;
    const bool fp = floating(op.src);
    double real = 0.0;
    int64_t sum = 0;
    for (int c = 0; c < w.c; ++c) {
      for (int r = 0; r < w.r; ++r) {
        for (int s = 0; s < w.s; ++s) {
          const int y = p.y * conv.stride_y - conv.pad_top + r * conv.dilation_y;
          const int x = p.x * conv.stride_x - conv.pad_left + s * conv.dilation_x;
          const bool inside = y >= 0 && y < in.h && x >= 0 && x < in.w;
          const double value = inside ? at(op.src, {c, y, x}) : conv.pad_value;
          const auto k = static_cast<size_t>(((p.c * w.c + c) * w.r + r) * w.s + s);
          if (fp) {
            real += value * half_to_double(w.halves[k]);
          } else {
            sum += static_cast<int64_t>(value) * w.integers[k];
          }
        }
      }
    }
    return fp ? static_cast<double>(static_cast<float>(real)) : static_cast<double>(rs(sum, conv.truncate, 32));
  }

  static int32_t pick(const std::vector<int32_t>& values, int c) {
    return values.at(values.size() == 1 ? 0 : static_cast<size_t>(c));
  }

  /// Operand of a stage's ALU or multiplier: a stored integer, or a real number for FP16.
  double operand(const SdpStage& stage, const std::vector<int32_t>& values, Position p, bool fp, bool y = false) {
    if (stage.element_operand != kNoTensor) {
      return at(stage.element_operand, stage.mode == SdpOperandMode::kPerElement ? p : Position{p.c, 0, 0});
    }
    const int32_t bits = pick(values, p.c);
    if (fp && y && stage.mode == SdpOperandMode::kPerLayer) {
      return std::bit_cast<float>(bits);  // a register of 32 bits
    }
    return fp ? half_to_double(bits) : bits;
  }

  static double alu(SdpAlu kind, double a, double b) {
    switch (kind) {
      case SdpAlu::kMax: return std::max(a, b);
      case SdpAlu::kMin: return std::min(a, b);
      case SdpAlu::kSum: return a + b;
      case SdpAlu::kEql: return a == b ? 0.0 : 1.0;
    }
    return 0.0;
  }

  double stage_x(const SdpStage& stage, double in, Position p, bool fp) {
    if (!stage.enable) {
      return in;
    }
    const bool add = stage.type == SdpStageType::kAlu || stage.type == SdpStageType::kBoth;
    const bool multiply = stage.type == SdpStageType::kMul || stage.type == SdpStageType::kBoth;
    const bool prelu = stage.activation == SdpActivation::kPrelu;
    double value = in;
    if (add) {
      double b = operand(stage, stage.alu_operand, p, fp);
      b = fp ? b : static_cast<double>(shl(static_cast<int64_t>(b), stage.alu_shift));
      value = alu(stage.alu, value, b);
    }
    if (!(prelu && value >= 0.0)) {
      const double m = multiply ? operand(stage, stage.mul_operand, p, fp) : 1.0;
      value = fp ? static_cast<float>(value * m)
                 : static_cast<double>(rs(Wide{static_cast<int64_t>(value)} * static_cast<int64_t>(m), stage.truncate, 32));
    }
    return stage.activation == SdpActivation::kRelu ? std::max(0.0, value) : value;
  }

  /// LO where it covers x, else LE where that does; beyond both a line of the given slope from the end of the half that
  /// the priorities name.
  static double look_up(const Lut& lut, double x, bool fp) {
    const auto number = [&](int64_t stored) {
      return fp ? std::bit_cast<float>(static_cast<uint32_t>(stored)) : static_cast<double>(stored);
    };
    const bool in_lo = x >= number(lut.lo_start) && x <= number(lut.lo_end);
    if (lut.le_exponential) {
      return look_up_octave(lut, x);
    }
    const bool in_le = x >= number(lut.le_start) && x <= number(lut.le_end);
    const bool below = x < number(lut.lo_start);
    const bool le = (in_lo && in_le && lut.hybrid_priority == 0) || (!in_lo && (in_le || (below ? lut.underflow_priority == 0 : lut.overflow_priority == 0)));
    return le ? look_up_half(lut, lut.le.data(), 64, number(lut.le_start), lut.le_index, x, fp)
              : look_up_half(lut, lut.lo.data(), 256, number(lut.lo_start), lut.lo_index, x, fp);
  }

  /// FP16, LE's exponential mode from 0 on, where LO never answers.
  static double look_up_octave(const Lut& lut, double x) {
    const auto entry = [&](int i) { return half_to_double(static_cast<uint16_t>(lut.le[static_cast<size_t>(i)])); };
    const int index = x > 0.0 ? std::ilogb(x) - lut.le_index : -1;
    if (index < 0 || index >= 64) {
      return entry(index < 0 ? 0 : 64);
    }
    const double fraction = std::ldexp(x, -std::ilogb(x)) - 1.0;
    return entry(index) + fraction * (entry(index + 1) - entry(index));
  }

  static double look_up_half(const Lut& lut, const int16_t* table, int intervals, double start, int log2, double x, bool fp) {
    const double end = start + std::ldexp(intervals, log2);
    const auto entry = [&](int i) {
      const int16_t bits = table[i];
      return fp ? half_to_double(static_cast<uint16_t>(bits)) : static_cast<double>(bits);
    };
    const auto line = [&](size_t side, double distance) {
      return fp ? distance * half_to_double(lut.slope[side])
                : static_cast<double>(rs(Wide{static_cast<int64_t>(distance)} * lut.slope[side], lut.slope_shift[side], 32));
    };
    const double position = std::ldexp(x - start, -log2);
    if (position <= 0.0) {
      return entry(0) + line(2, x - start);
    }
    if (position >= intervals) {
      return entry(intervals) + line(3, x - end);
    }
    const int index = static_cast<int>(position);
    const double value = entry(index) + (position - index) * (entry(index + 1) - entry(index));
    return fp ? value : std::round(value);
  }

  double stage_y(const SdpStage& stage, double in, Position p, bool fp, int32_t lut) {
    if (!stage.enable) {
      return in;
    }
    double value = in;
    if (stage.type == SdpStageType::kMul || stage.type == SdpStageType::kBoth) {
      const double m = operand(stage, stage.mul_operand, p, fp, true);
      value = fp ? static_cast<float>(value * m)
                 : static_cast<double>(rs(Wide{static_cast<int64_t>(value)} * static_cast<int64_t>(m), stage.truncate, 32));
    }
    if (stage.type == SdpStageType::kAlu || stage.type == SdpStageType::kBoth) {
      value = alu(stage.alu, value, operand(stage, stage.alu_operand, p, fp, true));
    }
    value = fp ? value : static_cast<double>(saturated(static_cast<int64_t>(value), 32));
    return stage.activation == SdpActivation::kLut ? look_up(graph_.luts.at(static_cast<size_t>(lut)), value, fp) : value;
  }

  double sdp(const HwOp& op, const SdpParams& params, Position p, double in) {
    const bool fp = floating(op.src);
    double value = stage_x(params.x1, in, p, fp);
    value = stage_x(params.x2, value, p, fp);
    value = stage_y(params.y, value, p, fp, params.lut);
    const int bits = tensor(op.dst).precision == hw::Precision::kInt8 ? 8 : 16;
    if (fp) {
      const double half = round_half(value);
      return floating(op.dst) ? half : static_cast<double>(saturated(static_cast<Wide>(std::round(half)), bits));
    }
    const Converter& out = params.output;
    const int64_t wide = rs((Wide{static_cast<int64_t>(value)} - out.offset) * out.scale, out.shift, 17);
    return floating(op.dst) ? round_half(static_cast<double>(wide)) : static_cast<double>(saturated(wide, bits));
  }

  double interleaved(const HwOp& op, const InterleaveOp& body, Position p) {
    const HwTensor& in = tensor(op.src);
    const HwTensor& out = tensor(op.dst);
    if (body.stride_x * body.stride_y == 1) {  // the same pixels in another frame
      const int pixel = p.y * out.w + p.x;
      return at(op.src, {p.c, pixel / in.w, pixel % in.w});
    }
    const int phase = body.repeat ? 0 : p.y % body.stride_y * body.stride_x + p.x % body.stride_x;
    const int phases = body.repeat ? 1 : body.stride_x * body.stride_y;
    return at(op.src, {phase * (in.c / phases) + p.c, p.y / body.stride_y, p.x / body.stride_x});
  }

  double pooled(const HwOp& op, const PoolOp& pool, Position p) {
    const HwTensor& in = tensor(op.src);
    double largest = -1e30;
    double sum = 0.0;
    for (int r = 0; r < pool.kernel_h; ++r) {
      for (int s = 0; s < pool.kernel_w; ++s) {
        const int y = p.y * pool.stride_y - pool.pad_top + r;
        const int x = p.x * pool.stride_x - pool.pad_left + s;
        const bool inside = y >= 0 && y < in.h && x >= 0 && x < in.w;
        const double value = inside ? at(op.src, {p.c, y, x}) : pool.pad_value;
        sum += value;
        largest = inside ? std::max(largest, value) : largest;
      }
    }
    if (pool.mode == PoolMode::kMax) {
      return largest;
    }
    if (floating(op.dst)) {
      return round_half(sum / (pool.kernel_w * pool.kernel_h));
    }
    const int64_t rows = rs(Wide{static_cast<int64_t>(sum)} * (65536 / pool.kernel_w), 16, 32);
    return static_cast<double>(rs(Wide{rows} * (65536 / pool.kernel_h), 16, 8));
  }

  const HwGraph& graph_;
  std::vector<std::vector<double>> data_;
};

}  // namespace

double round_half(double value) {
  if (value == 0.0) {
    return 0.0;
  }
  const double limited = std::clamp(value, -65504.0, 65504.0);
  const int exponent = std::max(std::ilogb(limited), -14);
  const double unit = std::ldexp(1.0, exponent - 10);
  return std::clamp(std::nearbyint(limited / unit) * unit, -65504.0, 65504.0);
}

std::map<std::string, Reals> interpret(const HwGraph& graph, const std::map<std::string, Reals>& inputs,
                                       std::map<std::string, Reals>* probe) {
  Machine machine(graph);
  const auto real = [&](size_t i) {
    Reals values = machine.data(i);
    const HwTensor& tensor = graph.tensors[i];
    const size_t plane = values.size() / static_cast<size_t>(tensor.c);
    for (size_t e = 0; e < values.size(); ++e) {
      const double channel = tensor.channel_scale.empty() ? 1.0 : tensor.channel_scale[e / plane];
      values[e] = (values[e] - tensor.zero) * tensor.scale * channel;
    }
    return values;
  };
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const HwTensor& tensor = graph.tensors[i];
    if (tensor.role != TensorRole::kInput) {
      continue;
    }
    const Reals& given = inputs.at(tensor.name);
    std::vector<double>& stored = machine.data(i);
    for (size_t e = 0; e < stored.size(); ++e) {
      stored[e] = tensor.precision == hw::Precision::kFp16
                      ? round_half(given.at(e))
                      : std::clamp(std::round(given.at(e) / tensor.scale + tensor.zero), -128.0, 127.0);
    }
  }
  machine.run();
  std::map<std::string, Reals> outputs;
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    if (graph.tensors[i].role == TensorRole::kOutput) {
      outputs[graph.tensors[i].name] = real(i);
    }
    if (probe != nullptr && graph.tensors[i].view_of == kNoTensor) {
      (*probe)[graph.tensors[i].name] = real(i);
    }
  }
  return outputs;
}

}  // namespace medlar::compiler::test
