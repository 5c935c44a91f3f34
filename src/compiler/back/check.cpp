// SPDX-License-Identifier: Apache-2.0
// Checks of a hardware graph against itself and against spec/limits.toml.
#include "compiler/back/check.hpp"

#include <array>
#include <set>

#include "hw/limits.hpp"

namespace medlar::compiler::back {
namespace {

Status within(std::string_view op, std::string_view what, const hw::Range& range, int64_t value) {
  if (value < static_cast<int64_t>(range.min) || value > static_cast<int64_t>(range.max)) {
    return fail(Code::kUnsupported, "{}: {} is {}, the hardware takes {} to {}", op, what, value, range.min, range.max);
  }
  return {};
}

Status need(std::string_view op, bool present, std::string_view unit, const hw::HwConfig& config) {
  if (!present) {
    return fail(Code::kUnsupported, "{}: {} has no {}", op, config.name, unit);
  }
  return {};
}

class Checker {
 public:
  Checker(const HwGraph& graph, const hw::HwConfig& config) : graph_(graph), config_(config) {}

  Status check() {
    for (const HwTensor& tensor : graph_.tensors) {
      MEDLAR_TRY(check_tensor(tensor));
    }
    std::set<TensorId> written;
    for (const HwOp& op : graph_.ops) {
      MEDLAR_TRY(check_ends(op));
      MEDLAR_TRY(std::visit([&](const auto& body) { return check_body(op, body); }, op.body));
      if (!std::holds_alternative<CopyOp>(op.body) && !written.insert(op.dst).second) {
        return fail(Code::kInvalidArgument, "{}: tensor {} is written twice", op.name, tensor(op.dst).name);
      }
    }
    return {};
  }

 private:
  const HwTensor& tensor(TensorId id) const { return graph_.tensors[static_cast<size_t>(id)]; }
  bool exists(TensorId id) const { return id >= 0 && static_cast<size_t>(id) < graph_.tensors.size(); }

  Status check_tensor(const HwTensor& t) const {
    for (const int extent : {t.w, t.h, t.c}) {
      MEDLAR_TRY(within(t.name, "an extent", hw::kLimits.cube.dimension, extent));
    }
    if (!config_.supports(t.precision)) {
      return fail(Code::kUnsupported, "tensor {}: {} has no {}", t.name, config_.name, hw::precision_name(t.precision));
    }
    if (t.role == TensorRole::kConstant &&
        t.contents.size() != static_cast<size_t>(t.w) * static_cast<size_t>(t.h) * static_cast<size_t>(t.c)) {
      return fail(Code::kInvalidArgument, "tensor {}: {} constants for {}x{}x{}", t.name, t.contents.size(), t.w, t.h, t.c);
    }
    return t.view_of == kNoTensor ? Status{} : check_view(t);
  }

  Status check_view(const HwTensor& t) const {
    if (!exists(t.view_of) || tensor(t.view_of).view_of != kNoTensor || t.role != TensorRole::kIntermediate) {
      return fail(Code::kInvalidArgument, "tensor {}: a view needs a parent of its own and no role", t.name);
    }
    const HwTensor& p = tensor(t.view_of);
    const auto per = static_cast<int>(config_.channels_per_atom(t.precision));
    const bool inside = t.view_x >= 0 && t.view_y >= 0 && t.view_c >= 0 && t.view_x + t.w <= p.w &&
                        t.view_y + t.h <= p.h && t.view_c + t.c <= p.c;
    const bool aligned = t.view_c % per == 0;
    if (!inside || !aligned || t.precision != p.precision) {
      return fail(Code::kInvalidArgument, "tensor {}: {}x{}x{} at ({}, {}, {}) is no window of {} ({}x{}x{}, {} channels a surface)",
                  t.name, t.w, t.h, t.c, t.view_x, t.view_y, t.view_c, p.name, p.w, p.h, p.c, per);
    }
    return {};
  }

  Status check_ends(const HwOp& op) const {
    if (!exists(op.src) || !exists(op.dst)) {
      return fail(Code::kInvalidArgument, "{}: source {} or destination {} does not exist", op.name, op.src, op.dst);
    }
    if (tensor(op.dst).role == TensorRole::kInput || tensor(op.dst).role == TensorRole::kConstant) {
      return fail(Code::kInvalidArgument, "{}: writes the input or constant {}", op.name, tensor(op.dst).name);
    }
    const auto root = [&](TensorId id) { return tensor(id).view_of == kNoTensor ? id : tensor(id).view_of; };
    if (root(op.src) == root(op.dst)) {
      return fail(Code::kInvalidArgument, "{}: reads and writes {}", op.name, tensor(root(op.src)).name);
    }
    return {};
  }

  Status same_extent(const HwOp& op, const HwTensor& a, const HwTensor& b) const {
    if (a.w != b.w || a.h != b.h || a.c != b.c) {
      return fail(Code::kInvalidArgument, "{}: {} is {}x{}x{}, {} is {}x{}x{}", op.name, a.name, a.w, a.h, a.c, b.name,
                  b.w, b.h, b.c);
    }
    return {};
  }

  Status check_stage(const HwOp& op, const SdpStage& stage, bool y) const {
    if (!stage.enable) {
      return {};
    }
    const int channels = tensor(op.dst).c;
    const bool uses_alu = stage.type == SdpStageType::kAlu || stage.type == SdpStageType::kBoth;
    const bool uses_mul = stage.type == SdpStageType::kMul || stage.type == SdpStageType::kBoth;
    const auto& limits = hw::kLimits.sdp;
    MEDLAR_TRY(within(op.name, "a stage's left shift", limits.bs_shift, stage.alu_shift));
    MEDLAR_TRY(within(op.name, "a stage's right shift", y ? limits.ew_truncate : limits.bs_truncate, stage.truncate));
    if (stage.alu == SdpAlu::kEql && uses_alu && !y) {
      return fail(Code::kUnsupported, "{}: only Y compares for equality", op.name);
    }
    if (stage.mode == SdpOperandMode::kPerElement) {
      return stage.type == SdpStageType::kNone ? Status{} : check_element_operand(op, stage);
    }
    if (stage.mode == SdpOperandMode::kPerChannel && stage.element_operand != kNoTensor) {
      return check_channel_operand(op, stage);
    }
    const size_t wanted = stage.mode == SdpOperandMode::kPerLayer ? 1 : static_cast<size_t>(channels);
    if ((uses_alu && stage.alu_operand.size() != wanted) || (uses_mul && stage.mul_operand.size() != wanted)) {
      return fail(Code::kInvalidArgument, "{}: {} ALU and {} multiplier operands, {} needed", op.name,
                  stage.alu_operand.size(), stage.mul_operand.size(), wanted);
    }
    return {};
  }

  Status check_element_operand(const HwOp& op, const SdpStage& stage) const {
    if (stage.type == SdpStageType::kBoth || !exists(stage.element_operand)) {
      return fail(Code::kInvalidArgument, "{}: an element operand feeds either the ALU or the multiplier", op.name);
    }
    return same_extent(op, tensor(stage.element_operand), tensor(op.dst));
  }

  Status check_channel_operand(const HwOp& op, const SdpStage& stage) const {
    const bool one = stage.type == SdpStageType::kAlu || stage.type == SdpStageType::kMul;
    if (!one || !exists(stage.element_operand)) {
      return fail(Code::kInvalidArgument, "{}: a tensor operand feeds either the ALU or the multiplier", op.name);
    }
    const HwTensor& t = tensor(stage.element_operand);
    if (t.w != 1 || t.h != 1 || t.c != tensor(op.dst).c) {
      return fail(Code::kInvalidArgument, "{}: {} is {}x{}x{}, one number for each of {} channels needed", op.name, t.name, t.w,
                  t.h, t.c, tensor(op.dst).c);
    }
    return {};
  }

  Status check_sdp(const HwOp& op, const SdpParams& sdp) const {
    MEDLAR_TRY(need(op.name, !sdp.x1.enable || config_.sdp_bs(), "SDP X1", config_));
    MEDLAR_TRY(need(op.name, !sdp.x2.enable || config_.sdp_bn(), "SDP X2", config_));
    MEDLAR_TRY(need(op.name, !sdp.y.enable || config_.sdp_ew(), "SDP Y", config_));
    MEDLAR_TRY(check_stage(op, sdp.x1, false));
    MEDLAR_TRY(check_stage(op, sdp.x2, false));
    MEDLAR_TRY(check_stage(op, sdp.y, true));
    const bool wants_lut = sdp.y.enable && sdp.y.activation == SdpActivation::kLut;
    if (wants_lut != (sdp.lut >= 0)) {
      return fail(Code::kInvalidArgument, "{}: table {} and activation disagree", op.name, sdp.lut);
    }
    MEDLAR_TRY(within(op.name, "the output shift", hw::kLimits.sdp.cvt_shift, sdp.output.shift));
    MEDLAR_TRY(check_conversion(op));
    return check_lut(op, sdp.lut);
  }

  /// INT16 stands between INT8 and FP16, and a convolution delivers its own width (NVDLA programming guide, SDP precisions).
  Status check_conversion(const HwOp& op) const {
    const hw::Precision from = tensor(op.src).precision;
    const hw::Precision to = tensor(op.dst).precision;
    const bool same_width = hw::bytes_per_element(from) == hw::bytes_per_element(to);
    const bool integers = from != hw::Precision::kFp16 && to != hw::Precision::kFp16;
    if (!same_width && (!integers || std::holds_alternative<ConvOp>(op.body))) {
      return fail(Code::kUnsupported, "{}: no data path from {} to {} in one step", op.name, hw::precision_name(from),
                  hw::precision_name(to));
    }
    return {};
  }

  Status check_lut(const HwOp& op, int32_t lut) const {
    if (lut >= 0 && static_cast<size_t>(lut) >= graph_.luts.size()) {
      return fail(Code::kInvalidArgument, "{}: table {} of {}", op.name, lut, graph_.luts.size());
    }
    return need(op.name, lut < 0 || config_.sdp_lut, "lookup table", config_);
  }

  Status check_weights(const HwOp& op, const Weights& w, const HwTensor& src, const HwTensor& dst) const {
    const auto wanted = static_cast<size_t>(w.k) * static_cast<size_t>(w.c) * static_cast<size_t>(w.r * w.s);
    const size_t given = src.precision == hw::Precision::kFp16 ? w.halves.size() : w.integers.size();
    if (w.k != dst.c || w.c != src.c || given != wanted) {
      return fail(Code::kInvalidArgument, "{}: weights {}x{}x{}x{} ({} values) between {} and {} channels", op.name, w.k,
                  w.c, w.r, w.s, given, src.c, dst.c);
    }
    return {};
  }

  Status check_body(const HwOp& op, const ConvOp& conv) const {
    const HwTensor& src = tensor(op.src);
    const auto& limits = hw::kLimits.conv;
    struct Field {
      std::string_view name;
      hw::Range range;
      int value;
    };
    const std::array fields{Field{"kernel width", limits.kernel, conv.weights.s},
                            Field{"kernel height", limits.kernel, conv.weights.r},
                            Field{"stride x", limits.stride, conv.stride_x},
                            Field{"stride y", limits.stride, conv.stride_y},
                            Field{"dilation x", limits.dilation, conv.dilation_x},
                            Field{"dilation y", limits.dilation, conv.dilation_y},
                            Field{"left padding", limits.pad_left, conv.pad_left},
                            Field{"right padding", limits.pad_right, conv.pad_right},
                            Field{"top padding", limits.pad_top, conv.pad_top},
                            Field{"bottom padding", limits.pad_bottom, conv.pad_bottom},
                            Field{"CACC truncate", limits.clip_truncate, conv.truncate}};
    for (const Field& field : fields) {
      MEDLAR_TRY(within(op.name, field.name, field.range, field.value));
    }
    MEDLAR_TRY(check_weights(op, conv.weights, src, tensor(op.dst)));
    const int64_t kernel_bytes = int64_t{src.c} * conv.weights.r * conv.weights.s * hw::bytes_per_element(src.precision);
    MEDLAR_TRY(within(op.name, "bytes per kernel", limits.bytes_per_kernel, kernel_bytes));
    MEDLAR_TRY(check_window(op, {src.w, tensor(op.dst).w, (conv.weights.s - 1) * conv.dilation_x + 1, conv.stride_x,
                                 conv.pad_left, conv.pad_right}));
    MEDLAR_TRY(check_window(op, {src.h, tensor(op.dst).h, (conv.weights.r - 1) * conv.dilation_y + 1, conv.stride_y,
                                 conv.pad_top, conv.pad_bottom}));
    return check_sdp(op, conv.sdp);
  }

  struct WindowAxis {
    int in, out, kernel, stride, before, after;
  };

  static Status check_window(const HwOp& op, const WindowAxis& a) {
    if (a.before >= a.kernel || a.after >= a.kernel) {
      return fail(Code::kUnsupported, "{}: padding {} and {} of a window of {}, the hardware takes less than the window",
                  op.name, a.before, a.after, a.kernel);
    }
    // The last window may end before the padding does, never after it.
    if ((a.out - 1) * a.stride + a.kernel > a.before + a.in + a.after) {
      return fail(Code::kInvalidArgument, "{}: {} outputs of window {} and stride {} leave the input of {}+{}+{}", op.name,
                  a.out, a.kernel, a.stride, a.before, a.in, a.after);
    }
    return {};
  }

  Status check_body(const HwOp& op, const SdpOp& sdp) const {
    MEDLAR_TRY(same_extent(op, tensor(op.src), tensor(op.dst)));
    return check_sdp(op, sdp.sdp);
  }

  Status check_body(const HwOp& op, const PoolOp& pool) const {
    const HwTensor& src = tensor(op.src);
    const HwTensor& dst = tensor(op.dst);
    const auto& limits = hw::kLimits.pdp;
    MEDLAR_TRY(need(op.name, config_.pdp, "PDP", config_));
    for (const int kernel : {pool.kernel_w, pool.kernel_h}) {
      MEDLAR_TRY(within(op.name, "pooling window", limits.kernel, kernel));
    }
    for (const int stride : {pool.stride_x, pool.stride_y}) {
      MEDLAR_TRY(within(op.name, "pooling stride", limits.stride, stride));
    }
    for (const int pad : {pool.pad_left, pool.pad_right, pool.pad_top, pool.pad_bottom}) {
      MEDLAR_TRY(within(op.name, "pooling padding", limits.pad, pad));
    }
    if (src.c != dst.c || src.precision != dst.precision) {
      return fail(Code::kInvalidArgument, "{}: pooling from {} to {} channels, {} to {}", op.name, src.c, dst.c,
                  hw::precision_name(src.precision), hw::precision_name(dst.precision));
    }
    if (src.precision == hw::Precision::kFp16 && pool.pad_value != 0) {
      return fail(Code::kUnsupported, "{}: padding value {} in fp16 pooling, only 0", op.name, pool.pad_value);
    }
    MEDLAR_TRY(check_window(op, {src.w, dst.w, pool.kernel_w, pool.stride_x, pool.pad_left, pool.pad_right}));
    return check_window(op, {src.h, dst.h, pool.kernel_h, pool.stride_y, pool.pad_top, pool.pad_bottom});
  }

  Status check_body(const HwOp& op, const LrnOp& lrn) const {
    MEDLAR_TRY(need(op.name, config_.cdp, "CDP", config_));
    MEDLAR_TRY(same_extent(op, tensor(op.src), tensor(op.dst)));
    MEDLAR_TRY(within(op.name, "LRN size", hw::kLimits.cdp.local_size, lrn.local_size));
    if (lrn.lut < 0 || lrn.local_size % 2 == 0 || tensor(op.src).precision != tensor(op.dst).precision) {
      return fail(Code::kInvalidArgument, "{}: LRN needs a table ({}), an odd size ({}) and one precision", op.name,
                  lrn.lut, lrn.local_size);
    }
    return check_lut(op, lrn.lut);
  }

  Status check_body(const HwOp& op, const CopyOp& copy) const {
    const HwTensor& src = tensor(op.src);
    const HwTensor& dst = tensor(op.dst);
    const bool inside = copy.src_x >= 0 && copy.src_y >= 0 && copy.src_c >= 0 && copy.dst_x >= 0 && copy.dst_y >= 0 &&
                        copy.dst_c >= 0 && copy.w > 0 && copy.h > 0 && copy.c > 0 && copy.src_x + copy.w <= src.w &&
                        copy.src_y + copy.h <= src.h && copy.src_c + copy.c <= src.c && copy.dst_x + copy.w <= dst.w &&
                        copy.dst_y + copy.h <= dst.h && copy.dst_c + copy.c <= dst.c;
    if (!inside || src.precision != dst.precision) {
      return fail(Code::kInvalidArgument, "{}: the copied window leaves {} or {}, or changes the precision", op.name,
                  src.name, dst.name);
    }
    const auto per = static_cast<int>(config_.channels_per_atom(src.precision));
    if (copy.src_c % per != 0 || copy.dst_c % per != 0 || (copy.c % per != 0 && copy.dst_c + copy.c != dst.c)) {
      return fail(Code::kUnsupported, "{}: copies {} channels from channel {} to channel {}, {} moves surfaces of {}",
                  op.name, copy.c, copy.src_c, copy.dst_c, config_.name, per);
    }
    return {};
  }

  Status check_body(const HwOp& op, const RubikOp& rubik) const {
    const HwTensor& src = tensor(op.src);
    const HwTensor& dst = tensor(op.dst);
    MEDLAR_TRY(need(op.name, config_.rubik, "RUBIK", config_));
    for (const int stride : {rubik.stride_x, rubik.stride_y}) {
      MEDLAR_TRY(within(op.name, "RUBIK stride", hw::kLimits.rubik.deconv_stride, stride));
    }
    if (rubik.mode != RubikMode::kContract) {
      return fail(Code::kUnsupported, "{}: only RUBIK's contract mode works on feature cubes", op.name);
    }
    const auto per = static_cast<int>(config_.channels_per_atom(src.precision));
    if (src.precision != dst.precision || dst.c % per != 0 || src.c != dst.c * rubik.stride_x * rubik.stride_y ||
        dst.w != src.w * rubik.stride_x || dst.h != src.h * rubik.stride_y) {
      return fail(Code::kUnsupported, "{}: contracts {}x{}x{} to {}x{}x{} with strides {}x{} in surfaces of {}", op.name,
                  src.w, src.h, src.c, dst.w, dst.h, dst.c, rubik.stride_x, rubik.stride_y, per);
    }
    return {};
  }

  Status check_body(const HwOp& op, const InterleaveOp& interleave) const {
    const HwTensor& src = tensor(op.src);
    const HwTensor& dst = tensor(op.dst);
    const auto per = static_cast<int>(config_.channels_per_atom(src.precision));
    const int phases = interleave.repeat ? 1 : interleave.stride_x * interleave.stride_y;
    const int padded = (dst.c + per - 1) / per * per;
    const bool channels = src.c == (phases == 1 ? dst.c : phases * padded);
    if (interleave.stride_x == 1 && interleave.stride_y == 1 && src.c == dst.c && src.precision == dst.precision &&
        int64_t{src.w} * src.h == int64_t{dst.w} * dst.h) {
      return {};
    }
    if (interleave.stride_x < 1 || interleave.stride_y < 1 || src.precision != dst.precision || !channels ||
        dst.w != src.w * interleave.stride_x || dst.h != src.h * interleave.stride_y) {
      return fail(Code::kInvalidArgument, "{}: interleaves {}x{}x{} to {}x{}x{} with strides {}x{} in surfaces of {}", op.name,
                  src.w, src.h, src.c, dst.w, dst.h, dst.c, interleave.stride_x, interleave.stride_y, per);
    }
    return {};
  }

  const HwGraph& graph_;
  const hw::HwConfig& config_;
};

}  // namespace

Status check_graph(const HwGraph& graph, const hw::HwConfig& config) { return Checker(graph, config).check(); }

}  // namespace medlar::compiler::back
