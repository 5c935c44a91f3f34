// SPDX-License-Identifier: Apache-2.0
// Convolutions: one CONV and one SDP fed by it for each tile of the plan; weights packed once for each kernel split.
#include <algorithm>
#include <cstddef>

#include "base/checked.hpp"
#include "compiler/back/conv_tiling.hpp"
#include "compiler/back/image_input.hpp"
#include "compiler/back/lower.hpp"
#include "hw/weights.hpp"

namespace medlar::compiler::back {
namespace {

/// How the kernels of an image lie in memory.
struct ImageKernel {
  uint32_t components = 0;  ///< 0: no image.
  uint32_t rows = 1;        ///< Interleaved (vertical extension).
  hw::Precision precision = hw::Precision::kInt8;
};

/// Kernels [k0, k0 + k) in the memory order of direct convolution, padded to one CBUF entry.
ByteBuffer pack_weights(const Weights& weights, const hw::HwConfig& config, hw::Precision precision, int k0, int k) {
  const hw::WeightShape shape{.k = static_cast<uint32_t>(k),
                              .c = static_cast<uint32_t>(weights.c),
                              .r = static_cast<uint32_t>(weights.r),
                              .s = static_cast<uint32_t>(weights.s)};
  const size_t taps = size_t{shape.r} * shape.s;
  ByteBuffer bytes(hw::weight_blob_bytes(shape.elements(), precision, config));
  const auto fill = [&](const auto& source, auto stored) {
    using Stored = decltype(stored);
    hw::for_each_direct_weight(
        shape, hw::WeightBlocking::of(config, precision),
        [&](uint64_t at, uint32_t kernel, uint32_t c, uint32_t r, uint32_t s) {
          const size_t from = ((static_cast<size_t>(k0) + kernel) * shape.c + c) * taps + size_t{r} * shape.s + s;
          store_le(bytes.data() + at * sizeof(Stored), static_cast<Stored>(source[from]));
        });
  };
  if (precision == hw::Precision::kInt8) {
    fill(weights.integers, int8_t{});
  } else if (precision == hw::Precision::kInt16) {
    fill(weights.integers, int16_t{});
  } else {
    fill(weights.halves, uint16_t{});
  }
  return bytes;
}

/// The same for an image of `components`: columns are folded into channels, absent components get zeros.
ByteBuffer pack_image_weights(const Weights& weights, const hw::HwConfig& config, const ConvTile& tile, const ImageKernel& image) {
  const hw::WeightShape own{.k = static_cast<uint32_t>(tile.k),
                            .c = static_cast<uint32_t>(weights.c),
                            .r = static_cast<uint32_t>(weights.r),
                            .s = static_cast<uint32_t>(weights.s)};
  const hw::WeightShape folded = hw::pre_extended(own, image.components);
  ByteBuffer bytes(hw::weight_blob_bytes(folded.elements(), image.precision, config));
  hw::for_each_image_weight(folded, hw::WeightBlocking::of(config, image.precision), image.rows,
                            [&](uint64_t at, uint32_t kernel, uint32_t column, uint32_t r) {
    const uint32_t c = column % image.components;
    if (c >= own.c) {
      return;
    }
    const size_t from = (((static_cast<size_t>(tile.k0) + kernel) * own.c + c) * own.r + r) * own.s + column / image.components;
    if (image.precision == hw::Precision::kInt8) {
      store_le(bytes.data() + at, static_cast<int8_t>(weights.integers[from]));
    } else {
      store_le(bytes.data() + at * sizeof(uint16_t), weights.halves[from]);
    }
  });
  return bytes;
}

/// A convolution between two cubes.
struct ConvTask {
  size_t index = 0;
  const ConvOp* conv = nullptr;
  Cube src, dst;
  int dst_channel = 0;       ///< Where the first kernel writes.
  bool counts_macs = true;   ///< False for work that the model does not contain.
};

class ConvMaker {
 public:
  ConvMaker(Program& program, const ConvTask& task)
      : program_(program),
        config_(*program.config),
        task_(task),
        conv_(*task.conv),
        src_(task.src),
        dst_(task.dst),
        surface_(static_cast<int>(config_.channels_per_atom(dst_.precision))),
        image_(image_kernel()) {}

  Status make() {
    MEDLAR_ASSIGN(const ConvPlan plan, plan_conv(conv_shape(config_, conv_, src_, dst_), config_, name()));
    if (plan.partial_kernels != 0) {
      return make_partial(plan);
    }
    for (const ConvTile& tile : plan.tiles) {
      MEDLAR_TRY(add_pair(plan, tile, dst_, task_.dst_channel + tile.k0));
    }
    return {};
  }

 private:
  const std::string& name() const { return program_.graph->ops[task_.index].name; }

  /// Each operation computes a part of a surface, into a surface of its own; a 1x1 convolution that selects channels
  /// then puts the surface together, exactly: every output is one input times one.
  Status make_partial(const ConvPlan& plan) {
    for (const SdpStage* stage : {&conv_.sdp.x1, &conv_.sdp.x2, &conv_.sdp.y}) {
      if (stage->enable && stage->mode == SdpOperandMode::kPerElement) {
        return fail(Code::kResourceExhausted, "{}: {} kernels fit the CBUF of {}, element operands need {}", name(),
                    plan.partial_kernels, config_.name, surface_);
      }
    }
    size_t next = 0;
    for (int k0 = 0; k0 < conv_.weights.k; k0 += surface_) {
      const int kernels = std::min(surface_, conv_.weights.k - k0);
      const Cube parts = add_temporary(ceil_div(kernels, plan.partial_kernels) * surface_);
      for (; next < plan.tiles.size() && plan.tiles[next].k0 < k0 + kernels; ++next) {
        const ConvTile& tile = plan.tiles[next];
        MEDLAR_TRY(add_pair(plan, tile, parts, (tile.k0 - k0) / plan.partial_kernels * surface_));
      }
      const ConvOp selection = select_channels(parts.c, kernels, plan.partial_kernels);
      const ConvTask gather{.index = task_.index,
                            .conv = &selection,
                            .src = parts,
                            .dst = dst_,
                            .dst_channel = task_.dst_channel + k0,
                            .counts_macs = false};
      MEDLAR_TRY(ConvMaker(program_, gather).make());
    }
    return {};
  }

  /// Kernel i of `kernels` takes channel i % part of surface i / part.
  ConvOp select_channels(int channels, int kernels, int part) const {
    constexpr uint16_t kHalfOne = 0x3c00;
    ConvOp op;
    Weights& w = op.weights;
    w = {.k = kernels, .c = channels, .r = 1, .s = 1, .integers = {}, .halves = {}};
    const auto elements = static_cast<size_t>(kernels) * static_cast<size_t>(channels);
    const bool fp16 = dst_.precision == hw::Precision::kFp16;
    w.halves.resize(fp16 ? elements : 0);
    w.integers.resize(fp16 ? 0 : elements);
    for (int i = 0; i < kernels; ++i) {
      const auto at = static_cast<size_t>(i * channels + i / part * surface_ + i % part);
      if (fp16) {
        w.halves[at] = kHalfOne;
      } else {
        w.integers[at] = 1;
      }
    }
    return op;
  }

  Cube add_temporary(int channels) { return add_temporary(channels, dst_.w, dst_.h); }

  Cube add_temporary(int channels, int width, int height) {
    Cube cube = dst_;
    cube.w = width;
    cube.h = height;
    cube.buffer = static_cast<BufferId>(program_.buffers.size());
    cube.offset = 0;
    cube.first_surface = 0;
    cube.components = 0;
    cube.c = channels;
    cube.line_stride = static_cast<uint32_t>(cube.w) * config_.memory_atom;
    cube.surface_stride = cube.line_stride * static_cast<uint32_t>(cube.h);
    Buffer buffer;
    buffer.bytes = uint64_t{cube.surface_stride} * static_cast<uint64_t>(channels / surface_);
    program_.buffers.push_back(std::move(buffer));
    return cube;
  }

  /// One CONV and its SDP, whose output begins at `channel` of `dst`.
  Status add_pair(const ConvPlan& plan, const ConvTile& tile, const Cube& dst, int channel) {
    if (weights_ == kNoBuffer || tile.k0 != packed_from_) {
      weights_ = add_constant(program_, image_.components != 0
                                            ? pack_image_weights(conv_.weights, config_, tile, image_)
                                            : pack_weights(conv_.weights, config_, src_.precision, tile.k0, tile.k));
      packed_from_ = tile.k0;
    }
    add_conv(plan, tile);
    // The SDP takes every 1x1 cube as packed, so one that lies in a larger cube is put there surface by surface.
    const bool astray = tile.out_w == 1 && tile.out_h == 1 && tile.k > surface_ && dst.surface_stride != config_.memory_atom;
    if (astray) {
      return add_astray(tile, dst, channel);
    }
    const SdpTask task{.params = &conv_.sdp,
                       .src_precision = src_.precision,
                       .src = nullptr,
                       .src_window = {},
                       .dst = &dst,
                       .dst_window = {tile.out_x, tile.out_y, channel, tile.out_w, tile.out_h, tile.k},
                       .first_channel = tile.k0};
    MEDLAR_ASSIGN(MachineOp sdp, make_sdp(program_, task_.index, task));
    program_.ops.push_back(std::move(sdp));
    return {};
  }

  /// The SDP of a single pixel by way of a packed cube of its own.
  Status add_astray(const ConvTile& tile, const Cube& dst, int channel) {
    Cube packed = add_temporary(round_up(tile.k, surface_), 1, 1);
    packed.c = tile.k;
    MEDLAR_ASSIGN(MachineOp sdp, make_sdp(program_, task_.index, {.params = &conv_.sdp, .src_precision = src_.precision,
                                                                  .src = nullptr, .src_window = {}, .dst = &packed,
                                                                  .dst_window = {0, 0, 0, 1, 1, tile.k},
                                                                  .first_channel = tile.k0}));
    program_.ops.push_back(std::move(sdp));
    const SdpParams nothing;
    return add_sdp_from_memory(program_, task_.index, {.params = &nothing, .src_precision = dst.precision, .src = &packed,
                                                       .src_window = {0, 0, 0, 1, 1, tile.k}, .dst = &dst,
                                                       .dst_window = {tile.out_x, tile.out_y, channel, 1, 1, tile.k}});
  }

  ImageKernel image_kernel() const {
    const auto components = static_cast<uint32_t>(src_.components);
    if (components == 0) {
      return {};
    }
    const hw::WeightShape shape{.k = static_cast<uint32_t>(conv_.weights.k),
                                .c = components,
                                .r = static_cast<uint32_t>(conv_.weights.r),
                                .s = static_cast<uint32_t>(conv_.weights.s)};
    return {.components = components,
            .rows = hw::post_extension_rows(shape, components, static_cast<uint32_t>(conv_.stride_x), config_.atomic_c),
            .precision = src_.precision};
  }

  /// What an image changes of the descriptor: columns of the kernel count as channels.
  void describe_image(hw::ConvOp& d) const {
    const auto folded = static_cast<uint16_t>(image_.components * static_cast<uint32_t>(conv_.weights.s));
    d.data_format = pixel_format(src_.components, src_.precision);
    d.input_channel_csc = static_cast<uint16_t>(image_.components);
    d.kernel_width_csc = 1;
    d.kernel_channel_csc = folded;
    d.post_extension = static_cast<uint8_t>(image_.rows / 2);
  }

  hw::ConvOp descriptor(const ConvPlan& plan, const ConvTile& tile) const {
    const bool int8 = src_.precision == hw::Precision::kInt8;
    hw::ConvOp d{};
    d.conv_mode = NVDLA_CONV_MODE_DIRECT;
    d.entry_per_slice = static_cast<uint16_t>(tile.entries_per_slice);
    d.data_format = NVDLA_DATA_FORMAT_FEATURE;
    d.fetch_grain = 1;
    d.batch = 1;
    d.data_bank = static_cast<uint8_t>(plan.data_banks);
    d.weight_bank = static_cast<uint8_t>(plan.weight_banks);
    d.pixel_override = NVDLA_PIXEL_OVERRIDE_INT;
    d.release = static_cast<uint16_t>(tile.in_h);
    d.input_width_csc = static_cast<uint16_t>(tile.in_w);
    d.input_height_csc = static_cast<uint16_t>(tile.in_h);
    d.input_channel_csc = static_cast<uint16_t>(src_.c);
    d.kernel_width_csc = static_cast<uint16_t>(conv_.weights.s);
    d.kernel_height_csc = static_cast<uint16_t>(conv_.weights.r);
    d.kernel_channel_csc = static_cast<uint16_t>(src_.c);
    d.input_width_cmac = static_cast<uint16_t>(tile.out_w);
    d.input_height_cmac = static_cast<uint16_t>(tile.out_h);
    d.bytes_per_kernel = kernel_elements() * hw::bytes_per_element(src_.precision);
    d.conv_stride_x = static_cast<uint8_t>(conv_.stride_x);
    d.conv_stride_y = static_cast<uint8_t>(conv_.stride_y);
    d.pad_x_left = static_cast<uint8_t>(tile.pad_left);
    d.pad_x_right = static_cast<uint8_t>(tile.pad_right);
    d.pad_y_top = static_cast<uint8_t>(tile.pad_top);
    d.pad_y_bottom = static_cast<uint8_t>(tile.pad_bottom);
    d.dilation_x = static_cast<uint8_t>(conv_.dilation_x);
    d.dilation_y = static_cast<uint8_t>(conv_.dilation_y);
    d.in_precision = static_cast<uint8_t>(src_.precision);
    d.out_precision = static_cast<uint8_t>(src_.precision);
    d.pad_val = static_cast<int16_t>(conv_.pad_value);
    d.in_cvt = {.scale = 1, .truncate = 0, .enable = int8, .offset = 0};
    d.out_cvt = {.scale = 1, .truncate = static_cast<uint8_t>(conv_.truncate), .enable = 1, .offset = 0};
    if (image_.components != 0) {
      describe_image(d);
    }
    return d;
  }

  uint32_t taps() const { return static_cast<uint32_t>(conv_.weights.r * conv_.weights.s); }
  /// As stored: the components of an image that the model lacks are zeros.
  uint32_t kernel_elements() const { return (image_.components != 0 ? image_.components : static_cast<uint32_t>(src_.c)) * taps(); }

  void add_conv(const ConvPlan& plan, const ConvTile& tile) {
    const Window in{tile.in_x, tile.in_y, 0, tile.in_w, tile.in_h, src_.c};
    MachineOp op{};
    op.type = NVDLA_OP_TYPE_CONV;
    op.source = static_cast<int>(task_.index);
    op.op.conv_op = descriptor(plan, tile);
    hw::ConvSurface surface{};
    surface.weight_data.type = NVDLA_MEM_TYPE_MC;
    surface.weight_data.size = static_cast<uint32_t>(program_.buffers[static_cast<size_t>(weights_)].bytes);
    surface.weight_data.width = op.op.conv_op.kernel_width_csc;
    surface.weight_data.height = op.op.conv_op.kernel_height_csc;
    surface.weight_data.channel = op.op.conv_op.kernel_channel_csc;
    surface.src_data = describe(config_, src_, in);
    surface.dst_data = on_the_fly_cube(config_, src_.precision, {0, 0, 0, tile.out_w, tile.out_h, tile.k});
    op.surface.conv_surface = surface;
    op.patches = {{.field = offsetof(hw::ConvSurface, weight_data), .buffer = weights_, .offset = 0},
                  patch_for(config_, src_, in, offsetof(hw::ConvSurface, src_data))};
    op.accesses = {access_to(config_, src_, in, false)};
    if (task_.counts_macs) {
      op.macs = static_cast<uint64_t>(tile.k) * static_cast<uint64_t>(tile.out_w) *
                static_cast<uint64_t>(tile.out_h) * static_cast<uint32_t>(src_.c) * taps();
    }
    program_.ops.push_back(std::move(op));
  }

  Program& program_;
  const hw::HwConfig& config_;
  const ConvTask task_;
  const ConvOp& conv_;
  const Cube src_, dst_;  // Copies: the program grows meanwhile.
  const int surface_;     // Channels of one output surface.
  const ImageKernel image_;
  BufferId weights_ = kNoBuffer;
  int packed_from_ = 0;
};

}  // namespace

Status lower_conv(Program& program, size_t index, const ConvOp& conv) {
  const HwOp& op = program.graph->ops[index];
  const ConvTask task{.index = index,
                      .conv = &conv,
                      .src = program.cubes[static_cast<size_t>(op.src)],
                      .dst = program.cubes[static_cast<size_t>(op.dst)]};
  return ConvMaker(program, task).make();
}

}  // namespace medlar::compiler::back
