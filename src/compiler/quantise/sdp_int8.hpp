// SPDX-License-Identifier: Apache-2.0
// Integer SDP programs. The stream between the stages is an integer x with real = s * x; every stage either keeps s or
// changes it by a factor known here:
//   X1   x1 = RS((x0 + SHL(b, n)) * m, t)      s0 -> s1 = s0 * 2^t / m     (per channel for convolutions)
//   X2   x2 = x1 + SHL(operand, n)             the operand's scale is s1 * 2^n, so s1 is chosen as S_operand / 2^n
//        x2 = RS(x1 * m, t)                    PReLU (negative x1 only), or a factor: s stays, m / 2^t is the slope
//        x2 = x1 * operand                     s2 = s1 * S_operand
//   Y    x3 = min or max(x2, operand)          s stays
//        x3 = table(x2)                        s3 is the table's own scale (lut.hpp)
//   out  q  = sat8(RS((x3 - o) * m, t))        m / 2^t = s / S_out; o puts the zero point of the output back
// Zero points leave the stream where it begins: in X1's ALU from memory, in the bias behind a convolution; that of a sum's
// operand goes into the same bias.
// RS shifts right, rounding halves away from zero; SHL shifts left. Operands and multipliers have 16 bits.
#pragma once

#include "base/status.hpp"
#include "compiler/fuse/stages.hpp"
#include "compiler/layer_graph.hpp"
#include "compiler/moments.hpp"
#include "compiler/quantise/scales.hpp"

namespace medlar::compiler {

struct Int8Program {
  const Layer& layer;
  const StagePlan& plan;
  const Scales& scales;  ///< Of all tensors of the graph.
  double reach = 0.0;             ///< Bound on |real| anywhere in the stream.
  double entry = 0.0;             ///< Largest scale at which a channel enters X1's multiplier.
  std::vector<Lut>* luts = nullptr;  ///< Of the graph; tables are added.
  std::span<const double> late_bias = {};  ///< A convolution's bias where X2 adds it, by channel.
  std::span<const double> src_mean = {};   ///< Mean of the source, by channel, as calibration saw it; may be unknown.
  const Moments* src_moments = nullptr;    ///< Of the tensor that the source is (a window of), its channels undivided; may be unknown.
  std::span<const float> src_divided = {};  ///< What the source's channels are divided by; empty: nothing.
  size_t src_first = 0;                     ///< Channel of that tensor at which the source begins.

  double out_scale() const { return static_cast<double>(scales.scale_of(layer.dst)); }
  const Step& step(int index) const { return layer.steps[static_cast<size_t>(index)]; }
};

/// The stream's scale behind X1 that later stages want, as fine as 32 bits allow.
Result<double> stream_scale(const Int8Program& program);

/// Fills X2, Y and the output converter; `scale` is the stream's behind X1.
Status fill_after_x1(const Int8Program& program, double scale, SdpParams& sdp);

/// Whole program of an SDP layer that reads memory.
Result<SdpParams> sdp_int8(const Int8Program& program);

}  // namespace medlar::compiler
