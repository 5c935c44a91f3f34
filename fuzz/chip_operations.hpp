// SPDX-License-Identifier: Apache-2.0
// Operations that the chip should run: sizes, strides and addresses agree, all other settings come from the fuzzer.
#pragma once

#include "base/checked.hpp"
#include "fuzz/chip_program.hpp"
#include "hw/cube.hpp"

namespace medlar::fuzz {

inline constexpr uint64_t kComparedBytes = 1 << 18;  ///< More than any operation of these sizes writes.
inline constexpr uint64_t kSource = 0x80000000;
inline constexpr uint64_t kWeights = 0x80100000;
inline constexpr uint64_t kOperands = 0x80200000;
inline constexpr uint64_t kResult = 0x80300000;

class ProgramWriter {
 public:
  ProgramWriter(Input& input, ChipProgram& program) : input_(input), program_(program) {}

  /// Sets a whole register; absent in this map: nothing.
  void set(const std::string& name, uint32_t value) {
    if (const auto found = hw::find_register(name, program_.config->register_map)) {
      program_.writes.push_back({found->address, value});
    }
  }
  /// Any value in its writable bits.
  void any(const std::string& name) {
    if (const auto found = hw::find_register(name, program_.config->register_map)) {
      program_.writes.push_back({found->address, input_.value<uint32_t>() & found->info->writable_mask});
    }
  }

 private:
  Input& input_;
  ChipProgram& program_;
};

/// What the operation computes on.
struct Sizes {
  uint32_t w = 1, h = 1, c = 1;
  hw::Precision precision = hw::Precision::kInt8;
  uint32_t line = 0, surface = 0;

  uint32_t code() const { return static_cast<uint32_t>(precision); }
};

inline Sizes any_sizes(Input& input, const hw::HwConfig& config) {
  Sizes s{.w = 1 + input.choose(20), .h = 1 + input.choose(12), .c = 1 + input.choose(80)};
  const auto wanted = static_cast<hw::Precision>(input.choose(3));
  s.precision = config.supports(wanted) ? wanted : hw::Precision::kInt8;
  s.line = (s.w + input.choose(3)) * config.memory_atom;
  s.surface = s.line * (s.h + input.choose(2));
  return s;
}

inline void write_sdp(ProgramWriter& p, Input& input, const hw::HwConfig& config, const Sizes& s, bool flying) {
  const uint32_t operand_line = s.w * config.memory_atom * 4;
  for (const char* block : {"SDP_RDMA", "SDP"}) {
    const std::string b = block;
    p.set(b + ".D_DATA_CUBE_WIDTH", s.w - 1);
    p.set(b + ".D_DATA_CUBE_HEIGHT", s.h - 1);
    p.set(b + ".D_DATA_CUBE_CHANNEL", s.c - 1);
  }
  p.set("SDP_RDMA.D_FEATURE_MODE_CFG", (flying ? 1 : 0) | s.code() << 2 | s.code() << 4 | s.code() << 6);
  p.set("SDP_RDMA.D_SRC_BASE_ADDR_LOW", kSource);
  p.set("SDP_RDMA.D_SRC_LINE_STRIDE", s.line);
  p.set("SDP_RDMA.D_SRC_SURFACE_STRIDE", s.surface);
  p.set("SDP_RDMA.D_SRC_DMA_CFG", 1);
  const char* const readers[] = {"SDP_RDMA.D_BRDMA_CFG", "SDP_RDMA.D_NRDMA_CFG", "SDP_RDMA.D_ERDMA_CFG"};
  const char* const sources[] = {"BS", "BN", "EW"};
  for (int i = 0; i < 3; ++i) {
    const std::string stage = sources[i];
    const uint32_t config_bits = input.byte();
    const bool memory = input.choose(2) != 0;
    const bool on = memory || input.choose(2) != 0;
    const uint32_t use = input.choose(3);  // 0 multiplier, 1 ALU, 2 both
    const bool alu = !memory || use != 0;
    const bool mul = !memory || use != 1;
    const uint32_t bypass = (on ? 0u : 1u) | (alu ? 0u : 2u) | (config_bits % 3) << 2 | (mul ? 0u : 16u) | (config_bits & 0x20) |
                            (config_bits & 0x40);
    p.set("SDP.D_DP_" + stage + "_CFG", bypass);
    p.set(readers[i], memory && on ? use << 1 | (s.precision == hw::Precision::kInt8 ? input.choose(2) : 1) << 3 | input.choose(2) << 4 | 1u << 5 : 1);
    p.set("SDP_RDMA.D_" + stage + "_BASE_ADDR_LOW", static_cast<uint32_t>(kOperands + i * 0x50000));
    p.set("SDP_RDMA.D_" + stage + "_LINE_STRIDE", operand_line);
    p.set("SDP_RDMA.D_" + stage + "_SURFACE_STRIDE", operand_line * s.h);
    p.set("SDP.D_DP_" + stage + "_ALU_CFG", (memory && use != 0 ? 1u : 0u) | (stage == "EW" ? input.choose(2) << 1 : input.choose(40) << 8));
    p.any("SDP.D_DP_" + stage + "_ALU_SRC_VALUE");
    p.set("SDP.D_DP_" + stage + "_MUL_CFG", (memory && use != 1 ? 1u : 0u) | (stage == "EW" ? input.choose(2) << 1 : input.choose(40) << 8));
    p.any("SDP.D_DP_" + stage + "_MUL_SRC_VALUE");
  }
  for (const char* name : {"EW_ALU_CVT_OFFSET_VALUE", "EW_ALU_CVT_SCALE_VALUE", "EW_MUL_CVT_OFFSET_VALUE", "EW_MUL_CVT_SCALE_VALUE"}) {
    p.any(std::string("SDP.D_DP_") + name);
  }
  for (const char* name : {"EW_ALU_CVT_TRUNCATE_VALUE", "EW_MUL_CVT_TRUNCATE_VALUE", "EW_TRUNCATE_VALUE"}) {
    p.set(std::string("SDP.D_DP_") + name, input.choose(40));
  }
  for (const char* name : {"S_LUT_CFG", "S_LUT_INFO", "S_LUT_LE_START", "S_LUT_LE_END", "S_LUT_LO_START", "S_LUT_LO_END",
                           "S_LUT_LE_SLOPE_SCALE", "S_LUT_LE_SLOPE_SHIFT", "S_LUT_LO_SLOPE_SCALE", "S_LUT_LO_SLOPE_SHIFT"}) {
    p.any(std::string("SDP.") + name);
  }
  p.set("SDP.D_DST_BASE_ADDR_LOW", kResult);
  p.set("SDP.D_DST_LINE_STRIDE", s.line * 2);
  p.set("SDP.D_DST_SURFACE_STRIDE", s.surface * 2);
  p.set("SDP.D_DST_DMA_CFG", 1);
  p.set("SDP.D_FEATURE_MODE_CFG", (flying ? 1u : 0u) | input.choose(2) << 3);
  p.set("SDP.D_DATA_FORMAT", s.code() | (input.choose(4) == 0 ? input.choose(3) : s.code()) << 2);
  p.any("SDP.D_CVT_OFFSET");
  p.any("SDP.D_CVT_SCALE");
  p.set("SDP.D_CVT_SHIFT", input.choose(40));
  p.set("SDP.D_PERF_ENABLE", input.choose(16));
  p.set("SDP_RDMA.D_PERF_ENABLE", input.choose(4));
}

inline void enable(ProgramWriter& p, std::initializer_list<const char*> blocks) {
  for (const char* block : blocks) {
    p.set(std::string(block) + ".D_OP_ENABLE", 1);
  }
}

/// A direct convolution into SDP. The output is what the sizes give.
inline void write_conv(ProgramWriter& p, Input& input, const hw::HwConfig& config, Sizes& s) {
  const uint32_t kernel_w = 1 + input.choose(std::min(4u, s.w));
  const uint32_t kernel_h = 1 + input.choose(std::min(4u, s.h));
  const uint32_t kernels = 1 + input.choose(70);
  const uint32_t pad_left = input.choose(kernel_w);
  const uint32_t pad_top = input.choose(kernel_h);
  const uint32_t stride_x = 1 + input.choose(3);
  const uint32_t stride_y = 1 + input.choose(3);
  const uint32_t out_w = (s.w + pad_left - kernel_w) / stride_x + 1;
  const uint32_t out_h = (s.h + pad_top - kernel_h) / stride_y + 1;
  const uint32_t unit = hw::bytes_per_element(s.precision);
  const uint32_t atoms = ceil_div(s.c * unit, config.memory_atom);
  const uint32_t per_entry = std::max(1u, config.cbuf_entry_bytes / config.memory_atom);
  const uint32_t rest = atoms % per_entry;
  const uint32_t entries = atoms / per_entry * s.w + (rest == 3 ? s.w : ceil_div(rest * s.w, per_entry));
  const uint32_t kernel_bytes = kernel_w * kernel_h * s.c * unit;
  const uint32_t blob = round_up(kernel_bytes * kernels, config.cbuf_entry_bytes);
  const uint32_t misc = s.code() << 8 | s.code() << 12;
  const uint32_t data_banks = config.cbuf_banks / 2;
  p.set("CDMA.D_MISC_CFG", misc);
  p.set("CSC.D_MISC_CFG", misc);
  for (const char* block : {"CMAC_A", "CMAC_B", "CACC"}) {
    p.set(std::string(block) + ".D_MISC_CFG", s.code() << 12);
  }
  p.set("CDMA.D_DATAIN_FORMAT", 0);
  p.set("CDMA.D_DATAIN_SIZE_0", (s.w - 1) | (s.h - 1) << 16);
  p.set("CDMA.D_DATAIN_SIZE_1", s.c - 1);
  p.set("CDMA.D_DATAIN_SIZE_EXT_0", (s.w - 1) | (s.h - 1) << 16);
  p.set("CDMA.D_DAIN_RAM_TYPE", 1);
  p.set("CDMA.D_DAIN_ADDR_LOW_0", kSource);
  p.set("CDMA.D_LINE_STRIDE", s.line);
  p.set("CDMA.D_SURF_STRIDE", s.surface);
  p.set("CDMA.D_ENTRY_PER_SLICE", entries - 1);
  p.set("CDMA.D_WEIGHT_SIZE_0", kernel_bytes - 1);
  p.set("CDMA.D_WEIGHT_SIZE_1", kernels - 1);
  p.set("CDMA.D_WEIGHT_RAM_TYPE", 1);
  p.set("CDMA.D_WEIGHT_ADDR_LOW", kWeights);
  p.set("CDMA.D_WEIGHT_BYTES", blob);
  p.set("CDMA.D_BANK", (data_banks - 1) | (config.cbuf_banks - data_banks - 1) << 16);
  p.set("CDMA.D_ZERO_PADDING", pad_left | pad_top << 16);
  p.set("CDMA.D_CONV_STRIDE", (stride_x - 1) | (stride_y - 1) << 16);
  p.set("CDMA.D_CVT_CFG", s.precision == hw::Precision::kFp16 ? 0 : input.choose(2) | input.choose(20) << 4);
  p.any("CDMA.D_CVT_OFFSET");
  p.any("CDMA.D_CVT_SCALE");
  p.set("CDMA.D_NAN_FLUSH_TO_ZERO", input.choose(2));
  p.set("CSC.D_DATAIN_SIZE_EXT_0", (s.w - 1) | (s.h - 1) << 16);
  p.set("CSC.D_DATAIN_SIZE_EXT_1", s.c - 1);
  p.set("CSC.D_WEIGHT_SIZE_EXT_0", (kernel_w - 1) | (kernel_h - 1) << 16);
  p.set("CSC.D_WEIGHT_SIZE_EXT_1", (s.c - 1) | (kernels - 1) << 16);
  p.set("CSC.D_WEIGHT_BYTES", blob);
  p.set("CSC.D_ENTRY_PER_SLICE", entries - 1);
  p.set("CSC.D_BANK", (data_banks - 1) | (config.cbuf_banks - data_banks - 1) << 16);
  p.set("CSC.D_DATAOUT_SIZE_0", (out_w - 1) | (out_h - 1) << 16);
  p.set("CSC.D_DATAOUT_SIZE_1", kernels - 1);
  p.set("CSC.D_ATOMICS", out_w * out_h - 1);
  p.set("CSC.D_RELEASE", input.choose(3) == 0 ? input.choose(s.h) : s.h - 1);
  p.set("CSC.D_CONV_STRIDE_EXT", (stride_x - 1) | (stride_y - 1) << 16);
  p.set("CSC.D_ZERO_PADDING", pad_left | pad_top << 16);
  p.any("CSC.D_ZERO_PADDING_VALUE");
  p.set("CACC.D_DATAOUT_SIZE_0", (out_w - 1) | (out_h - 1) << 16);
  p.set("CACC.D_DATAOUT_SIZE_1", kernels - 1);
  p.set("CACC.D_CLIP_CFG", input.choose(17));
  s.w = out_w;
  s.h = out_h;
  s.c = kernels;
  s.line = out_w * config.memory_atom;
  s.surface = s.line * out_h;
}

inline void write_pdp(ProgramWriter& p, Input& input, const hw::HwConfig& config, const Sizes& s) {
  const uint32_t kernel_w = 1 + input.choose(std::min(8u, s.w));
  const uint32_t kernel_h = 1 + input.choose(std::min(8u, s.h));
  for (const char* block : {"PDP_RDMA", "PDP"}) {
    const std::string b = block;
    p.set(b + ".D_DATA_CUBE_IN_WIDTH", s.w - 1);
    p.set(b + ".D_DATA_CUBE_IN_HEIGHT", s.h - 1);
    p.set(b + ".D_DATA_CUBE_IN_CHANNEL", s.c - 1);
    p.set(b + ".D_DATA_FORMAT", s.code());
  }
  p.set("PDP_RDMA.D_FLYING_MODE", 1);
  p.set("PDP_RDMA.D_SRC_BASE_ADDR_LOW", kSource);
  p.set("PDP_RDMA.D_SRC_LINE_STRIDE", s.line);
  p.set("PDP_RDMA.D_SRC_SURFACE_STRIDE", s.surface);
  p.set("PDP_RDMA.D_SRC_RAM_CFG", 1);
  p.set("PDP.D_DATA_CUBE_OUT_WIDTH", s.w - kernel_w);
  p.set("PDP.D_DATA_CUBE_OUT_HEIGHT", s.h - kernel_h);
  p.set("PDP.D_DATA_CUBE_OUT_CHANNEL", s.c - 1);
  p.set("PDP.D_OPERATION_MODE_CFG", input.choose(3) | 1u << 4);
  p.set("PDP.D_NAN_FLUSH_TO_ZERO", input.choose(2));
  p.set("PDP.D_POOLING_KERNEL_CFG", (kernel_w - 1) | (kernel_h - 1) << 8);
  p.any("PDP.D_RECIP_KERNEL_WIDTH");
  p.any("PDP.D_RECIP_KERNEL_HEIGHT");
  p.set("PDP.D_DST_BASE_ADDR_LOW", kResult);
  p.set("PDP.D_DST_LINE_STRIDE", s.w * config.memory_atom);
  p.set("PDP.D_DST_SURFACE_STRIDE", s.w * s.h * config.memory_atom);
  p.set("PDP.D_DST_RAM_CFG", 1);
}

inline ChipProgram legal_program(Input& input) {
  ChipProgram program;
  program.config = &any_config(input);
  program.seed = input.byte();
  ProgramWriter p(input, program);
  Sizes s = any_sizes(input, *program.config);
  switch (input.choose(4)) {
    case 0:
      write_sdp(p, input, *program.config, s, false);
      enable(p, {"SDP", "SDP_RDMA"});
      break;
    case 1:
      write_pdp(p, input, *program.config, s);
      enable(p, {"PDP", "PDP_RDMA"});
      break;
    default:
      write_conv(p, input, *program.config, s);
      write_sdp(p, input, *program.config, s, true);
      enable(p, {"SDP", "SDP_RDMA", "CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA"});
      break;
  }
  return program;
}

}  // namespace medlar::fuzz
