// SPDX-License-Identifier: Apache-2.0
// Convolutions of every mode that the chip should run, and whole programs.
#pragma once

#include <bit>

#include "fuzz/chip_operations.hpp"

namespace medlar::fuzz {

/// Everything that CDMA, CSC, CMAC and CACC must agree on.
struct ConvShape {
  enum class Mode : uint8_t { kDirect, kImage, kWinograd };
  Mode mode = Mode::kDirect;
  Sizes in;
  hw::Precision stored = hw::Precision::kInt8;  ///< Images: of the pixels.
  const hw::PixelFormat* format = nullptr;
  bool converter = false;
  uint32_t kernels = 1, kernel_w = 1, kernel_h = 1;  ///< Winograd: 4 x 4.
  uint32_t stride_x = 1, stride_y = 1, dilation_x = 1, dilation_y = 1;
  uint32_t left = 0, right = 0, top = 0, bottom = 0;
  uint32_t out_w = 1, out_h = 1;
  uint32_t batches = 1, extension = 0, x_offset = 0;
  bool compressed = false;

  uint32_t unit() const { return hw::bytes_per_element(in.precision); }
  /// Channels as CSC sees them, columns of images not folded.
  uint32_t depth() const { return mode == Mode::kWinograd ? in.c * stride_x * stride_y : in.c; }
  uint64_t kernel_elements() const { return uint64_t{kernel_w} * kernel_h * depth(); }
  uint64_t work() const { return kernel_elements() * kernels * out_w * out_h * batches; }
};

/// Output positions; where the kernel does not fit it shrinks.
inline uint32_t fit_axis(Input& input, uint32_t size, uint32_t& kernel, uint32_t& dilation, uint32_t stride, uint32_t& low, uint32_t& high) {
  if ((kernel - 1) * dilation + 1 > size) {
    dilation = 1;
    kernel = std::min(kernel, size);
  }
  const uint32_t reach = (kernel - 1) * dilation + 1;
  low = std::min(input.choose(reach), 31u);
  high = std::min(input.choose(reach), 31u);
  return (size + low + high - reach) / stride + 1;
}

inline void fit_output(Input& input, ConvShape& c) {
  c.out_w = fit_axis(input, c.in.w, c.kernel_w, c.dilation_x, c.stride_x, c.left, c.right);
  c.out_h = fit_axis(input, c.in.h, c.kernel_h, c.dilation_y, c.stride_y, c.top, c.bottom);
}

inline ConvShape any_image(Input& input, const hw::HwConfig& config, Sizes in) {
  ConvShape c{.mode = ConvShape::Mode::kImage, .in = in};
  c.format = hw::find_pixel_format(input.choose(static_cast<uint32_t>(hw::pixel_formats().size())));
  c.stored = c.format->is_float ? hw::Precision::kFp16 : c.format->bits == 8 ? hw::Precision::kInt8 : hw::Precision::kInt16;
  c.converter = !c.format->is_float && (input.choose(2) != 0 || !config.supports(c.stored));
  c.in.precision = c.converter ? in.precision : c.stored;
  c.in.c = c.format->components();
  c.kernel_w = 1 + input.choose(5);
  c.kernel_h = 1 + input.choose(5);
  c.stride_x = 1 + input.choose(3);
  c.stride_y = 1 + input.choose(3);
  c.x_offset = input.choose(config.memory_atom / c.format->bytes_plane0);
  fit_output(input, c);
  const uint32_t extension = input.choose(3);
  c.extension = (c.kernel_w * c.in.c << extension) <= config.atomic_c ? extension : 0;
  return c;
}

inline ConvShape any_winograd(Input& input, const hw::HwConfig& config, Sizes in) {
  ConvShape c{.mode = ConvShape::Mode::kWinograd, .in = in, .stored = in.precision};
  c.in.c = round_up(1 + input.choose(40), config.channels_per_atom(in.precision));
  c.kernel_w = c.kernel_h = 4;
  c.stride_x = 1 + input.choose(2);
  c.stride_y = 1 + input.choose(2);
  c.out_w = 4 * (1 + input.choose(2));
  c.out_h = 4;
  c.left = input.choose(3);
  c.right = input.choose(3);
  c.top = input.choose(3);
  c.bottom = input.choose(3);
  c.in.w = (c.out_w + 4) * c.stride_x - c.left - c.right;
  c.in.h = (c.out_h + 4) * c.stride_y - c.top - c.bottom;
  c.in.line = c.in.w * config.memory_atom;
  c.in.surface = c.in.line * c.in.h;
  return c;
}

inline ConvShape any_direct(Input& input, const hw::HwConfig& config, Sizes in) {
  ConvShape c{.in = in, .stored = in.precision};
  c.kernel_w = 1 + input.choose(4);
  c.kernel_h = 1 + input.choose(4);
  c.stride_x = 1 + input.choose(3);
  c.stride_y = 1 + input.choose(3);
  c.dilation_x = 1 + input.choose(2);
  c.dilation_y = 1 + input.choose(2);
  c.converter = in.precision != hw::Precision::kFp16 && input.choose(4) == 0;
  c.batches = config.max_batch > 1 && input.choose(6) == 0 ? 1 + input.choose(3) : 1;
  fit_output(input, c);
  return c;
}

/// Few enough products for the slow model: a fuzzer's run takes about a millisecond.
inline void bound_work(ConvShape& c) {
  const uint64_t limit = c.in.precision == hw::Precision::kFp16 ? 6000 : 24000;
  while (c.work() > limit && c.kernels > 1) {
    c.kernels = (c.kernels + 1) / 2;
  }
  while (c.work() > limit && c.in.c > 1 && c.mode == ConvShape::Mode::kDirect) {
    c.in.c = (c.in.c + 1) / 2;
  }
}

inline ConvShape any_convolution(Input& input, const hw::HwConfig& config, const Sizes& in) {
  const uint32_t mode = input.choose(8);
  ConvShape c = mode == 0 && config.winograd ? any_winograd(input, config, in)
                : mode <= 2                  ? any_image(input, config, in)
                                             : any_direct(input, config, in);
  c.kernels = 1 + input.choose(70);
  c.compressed = config.weight_compression && c.mode == ConvShape::Mode::kDirect && input.choose(6) == 0;
  bound_work(c);
  return c;
}

inline uint32_t entries_of(const ConvShape& c, const hw::HwConfig& config) {
  if (c.mode == ConvShape::Mode::kImage) {
    return ceil_div((c.left + c.in.w + c.right) * c.in.c * c.unit(), config.cbuf_entry_bytes);
  }
  if (c.mode == ConvShape::Mode::kWinograd) {
    return (c.out_w + 4) / 4 * (c.depth() * c.unit() / config.memory_atom);
  }
  const uint32_t atoms = ceil_div(c.in.c * c.unit(), config.memory_atom);
  const uint32_t per_entry = std::max(1u, config.cbuf_entry_bytes / config.memory_atom);
  const uint32_t rest = atoms % per_entry;
  return atoms / per_entry * c.in.w + (rest == 3 ? c.in.w : ceil_div(rest * c.in.w, per_entry));
}

/// Mask, group sizes and non-zero weights.
inline uint32_t write_compressed(ProgramWriter& p, const ConvShape& c) {
  const uint64_t elements = c.kernel_elements() * c.kernels;
  const uint64_t group = c.kernel_elements() * p.config().kernels_per_group(c.in.precision);
  std::vector<uint8_t> mask(round_up<uint64_t>(ceil_div<uint64_t>(elements, 8), 128));
  std::vector<uint8_t> sizes(round_up<uint64_t>(ceil_div(elements, group) * 4, 128));
  uint32_t state = p.input().byte() + 1;
  const uint32_t density = p.input().byte();
  uint32_t total = 0;
  for (uint64_t i = 0; i < elements; ++i) {
    state = state * 1664525u + 1013904223u;
    if (state >> 24 < density) {
      mask[i / 8] |= static_cast<uint8_t>(1u << (i % 8));
      total += c.unit();
      uint32_t size;
      std::memcpy(&size, &sizes[i / group * 4], 4);
      size += c.unit();
      std::memcpy(&sizes[i / group * 4], &size, 4);
    }
  }
  p.set("CDMA.D_WMB_ADDR_LOW", kWeights + 0x40000);
  p.set("CDMA.D_WMB_BYTES", static_cast<uint32_t>(mask.size()));
  p.set("CSC.D_WMB_BYTES", static_cast<uint32_t>(mask.size()));
  p.set("CDMA.D_WGS_ADDR_LOW", kWeights + 0x50000);
  p.memory(kWeights + 0x40000, std::move(mask));
  p.memory(kWeights + 0x50000, std::move(sizes));
  return std::max(round_up(total, p.config().cbuf_entry_bytes), p.config().cbuf_entry_bytes);
}

inline void write_cdma_data(ProgramWriter& p, const ConvShape& c) {
  const bool image = c.mode == ConvShape::Mode::kImage;
  Input& input = p.input();
  p.set("CDMA.D_DATAIN_FORMAT", image ? 1u | uint32_t{c.format->code} << 8 | input.choose(2) << 20 : 0);
  p.set("CDMA.D_DATAIN_SIZE_0", (c.in.w - 1) | (c.in.h - 1) << 16);
  p.set("CDMA.D_DATAIN_SIZE_1", c.in.c - 1);
  p.set("CDMA.D_PIXEL_OFFSET", c.x_offset);
  p.set("CDMA.D_DAIN_RAM_TYPE", 1);
  p.set("CDMA.D_DAIN_ADDR_LOW_0", kSource);
  p.set("CDMA.D_DAIN_ADDR_LOW_1", kSource + 0x20000);
  p.set("CDMA.D_LINE_STRIDE", image ? round_up((c.x_offset + c.in.w) * c.format->bytes_plane0, 32u) : c.in.line);
  p.set("CDMA.D_LINE_UV_STRIDE", image ? round_up((c.x_offset + c.in.w) * 2 * c.format->bytes_plane0, 32u) : 0);
  p.set("CDMA.D_SURF_STRIDE", c.in.surface);
  p.set("CDMA.D_BATCH_NUMBER", c.batches - 1);
  p.set("CDMA.D_BATCH_STRIDE", c.in.surface * 8);
  p.set("CDMA.D_ENTRY_PER_SLICE", entries_of(c, p.config()) - 1);
  p.set("CDMA.D_ZERO_PADDING", c.left | c.right << 8 | c.top << 16 | c.bottom << 24);
  p.any("CDMA.D_ZERO_PADDING_VALUE");
  p.set("CDMA.D_CONV_STRIDE", (c.stride_x - 1) | (c.stride_y - 1) << 16);
  p.set("CDMA.D_CVT_CFG", (c.converter ? 1u : 0u) | input.choose(20) << 4);
  p.any("CDMA.D_CVT_OFFSET");
  p.any("CDMA.D_CVT_SCALE");
  p.set("CDMA.D_MEAN_FORMAT", image ? input.choose(2) : 0);
  p.any("CDMA.D_MEAN_GLOBAL_0");
  p.any("CDMA.D_MEAN_GLOBAL_1");
  p.set("CDMA.D_NAN_FLUSH_TO_ZERO", input.choose(2));
}

inline void write_weights(ProgramWriter& p, const ConvShape& c) {
  const auto kernel_bytes = static_cast<uint32_t>(c.kernel_elements() * c.unit());
  const uint32_t bytes = c.compressed ? write_compressed(p, c) : round_up(kernel_bytes * c.kernels, p.config().cbuf_entry_bytes);
  p.set("CDMA.D_WEIGHT_FORMAT", c.compressed ? 1 : 0);
  p.set("CDMA.D_WEIGHT_SIZE_0", kernel_bytes - 1);
  p.set("CDMA.D_WEIGHT_SIZE_1", c.kernels - 1);
  p.set("CDMA.D_WEIGHT_RAM_TYPE", 1);
  p.set("CDMA.D_WEIGHT_ADDR_LOW", kWeights);
  p.set("CDMA.D_WEIGHT_BYTES", bytes);
  p.set("CSC.D_WEIGHT_FORMAT", c.compressed ? 1 : 0);
  p.set("CSC.D_WEIGHT_BYTES", bytes);
  const uint32_t data_banks = p.config().cbuf_banks / 2;
  const uint32_t banks = (data_banks - 1) | (p.config().cbuf_banks - data_banks - 1 - (c.compressed ? 1 : 0)) << 16;
  p.set("CDMA.D_BANK", banks);
  p.set("CSC.D_BANK", banks);
}

inline void write_csc(ProgramWriter& p, const ConvShape& c) {
  const bool winograd = c.mode == ConvShape::Mode::kWinograd;
  const bool image = c.mode == ConvShape::Mode::kImage;
  const uint32_t w = winograd ? c.out_w + 4 : c.in.w;
  const uint32_t h = winograd ? c.out_h + 4 : c.in.h;
  p.set("CDMA.D_DATAIN_SIZE_EXT_0", (w - 1) | (h - 1) << 16);
  p.set("CSC.D_DATAIN_FORMAT", image ? 1 : 0);
  p.set("CSC.D_DATAIN_SIZE_EXT_0", (w - 1) | (h - 1) << 16);
  p.set("CSC.D_DATAIN_SIZE_EXT_1", c.depth() - 1);
  p.set("CSC.D_BATCH_NUMBER", c.batches - 1);
  p.set("CSC.D_POST_Y_EXTENSION", c.extension);
  p.set("CSC.D_WEIGHT_SIZE_EXT_0", (image ? 0 : c.kernel_w - 1) | (c.kernel_h - 1) << 16);
  p.set("CSC.D_WEIGHT_SIZE_EXT_1", ((image ? c.kernel_w : 1) * c.depth() - 1) | (c.kernels - 1) << 16);
  p.set("CSC.D_ENTRY_PER_SLICE", entries_of(c, p.config()) - 1);
  p.set("CSC.D_DATAOUT_SIZE_0", (c.out_w - 1) | (c.out_h - 1) << 16);
  p.set("CSC.D_DATAOUT_SIZE_1", c.kernels - 1);
  p.set("CSC.D_ATOMICS", c.out_w * c.out_h - 1);
  p.set("CSC.D_RELEASE", p.input().choose(3) == 0 ? p.input().choose(h) : h - 1);
  p.set("CSC.D_CONV_STRIDE_EXT", winograd ? 0 : (c.stride_x - 1) | (c.stride_y - 1) << 16);
  p.set("CSC.D_DILATION_EXT", winograd ? 0 : (c.dilation_x - 1) | (c.dilation_y - 1) << 16);
  p.set("CSC.D_ZERO_PADDING", winograd ? 0 : c.left | c.top << 16);
  p.any("CSC.D_ZERO_PADDING_VALUE");
  p.set("CSC.D_PRA_CFG", p.input().choose(3));
}

/// `reuse`: DATA_REUSE, WEIGHT_REUSE and the SKIP bits of MISC_CFG.
inline void write_conv(ProgramWriter& p, const ConvShape& c, uint32_t reuse) {
  const uint32_t mode = c.mode == ConvShape::Mode::kWinograd ? 1 : 0;
  const uint32_t misc = mode | static_cast<uint32_t>(c.stored) << 8 | c.in.code() << 12 | reuse;
  p.set("CDMA.D_MISC_CFG", misc);
  p.set("CSC.D_MISC_CFG", misc);
  for (const std::string block : {"CMAC_A", "CMAC_B", "CACC"}) {
    p.set(block + ".D_MISC_CFG", mode | c.in.code() << 12);
  }
  write_cdma_data(p, c);
  write_weights(p, c);
  write_csc(p, c);
  p.set("CACC.D_DATAOUT_SIZE_0", (c.out_w - 1) | (c.out_h - 1) << 16);
  p.set("CACC.D_DATAOUT_SIZE_1", c.kernels - 1);
  p.set("CACC.D_BATCH_NUMBER", c.batches - 1);
  p.set("CACC.D_CLIP_CFG", p.input().choose(17));
}

inline constexpr std::initializer_list<const char*> kConvUnits = {"SDP", "SDP_RDMA", "CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA"};

/// A convolution into SDP, and PDP when that is asked for; `rounds` operations were before it.
inline void write_conv_operation(ProgramWriter& p, const ConvShape& c, uint32_t rounds, uint32_t reuse) {
  const bool winograd = c.mode == ConvShape::Mode::kWinograd;
  const bool pool = p.config().pdp && c.batches == 1 && !winograd && p.input().choose(6) == 0;
  p.start(kConvUnits, rounds);
  write_conv(p, c, reuse);
  Sizes out{.w = c.out_w, .h = c.out_h, .c = c.kernels, .precision = c.in.precision};
  out.line = out.w * p.config().memory_atom;
  out.surface = out.line * out.h;
  write_sdp(p, out, {.flying = true, .to_pdp = pool, .winograd = winograd, .batches = c.batches});
  if (pool) {
    write_pdp(p, out, true);
    p.enable({"PDP"});
  }
  p.enable(kConvUnits);
}

inline void write_sdp_operation(ProgramWriter& p, const Sizes& s) {
  const bool pool = p.config().pdp && p.input().choose(5) == 0;
  write_sdp(p, s, {.to_pdp = pool});
  if (pool) {
    write_pdp(p, s, true);
    p.enable({"PDP"});
  }
  p.enable({"SDP", "SDP_RDMA"});
}

/// One operation of any unit, or two convolutions that share what CBUF holds.
inline ChipProgram legal_program(Input& input) {
  ChipProgram program;
  program.config = &any_config(input);
  program.seed = input.byte();
  ProgramWriter p(input, program);
  const hw::HwConfig& config = *program.config;
  const Sizes s = any_sizes(input, config);
  const uint32_t kind = input.choose(12);
  const bool there = kind == 3 ? config.pdp : kind == 4 ? config.cdp : kind == 5 ? config.rubik : kind == 6 ? config.bdma : true;
  switch (there ? kind : 0) {
    case 0:
    case 1:
    case 2:
      write_sdp_operation(p, s);
      break;
    case 3:
      write_pdp(p, s, false);
      p.enable({"PDP", "PDP_RDMA"});
      break;
    case 4:
      write_cdp(p, s);
      p.enable({"CDP", "CDP_RDMA"});
      break;
    case 5:
      write_rubik(p, s);
      p.enable({"RUBIK"});
      break;
    case 6:
      write_bdma(p);
      break;
    default: {
      const ConvShape c = any_convolution(input, config, s);
      const uint32_t share = input.choose(8);  // 1: data, 2: weights, 3: both
      const uint32_t bits = (share & 1) << 16 | (share >> 1 & 1) << 20;
      const bool twice = share > 0 && share < 4;
      write_conv_operation(p, c, 0, twice ? bits << 8 : 0);
      if (twice) {
        ProgramWriter second(input, program);
        write_conv_operation(second, c, 1, bits);
      }
      break;
    }
  }
  return program;
}

}  // namespace medlar::fuzz
