// SPDX-License-Identifier: Apache-2.0
// Operations of SDP, PDP, CDP, RUBIK and BDMA that the chip should run: sizes, strides and addresses agree, all other
// settings come from the fuzzer.
#pragma once

#include "base/checked.hpp"
#include "fuzz/chip_program.hpp"
#include "hw/cube.hpp"

namespace medlar::fuzz {

inline constexpr uint64_t kSource = 0x80000000;
inline constexpr uint64_t kWeights = 0x80100000;
inline constexpr uint64_t kOperands = 0x80200000;
inline constexpr uint64_t kResult = 0x80300000;
inline constexpr uint64_t kPooled = 0x80400000;

/// What an operation computes on.
struct Sizes {
  uint32_t w = 1, h = 1, c = 1;
  hw::Precision precision = hw::Precision::kInt8;
  uint32_t line = 0, surface = 0;

  uint32_t code() const { return static_cast<uint32_t>(precision); }
};

inline Sizes any_sizes(Input& input, const hw::HwConfig& config) {
  Sizes s{.w = 1 + input.choose(9), .h = 1 + input.choose(6), .c = 1 + input.choose(input.choose(2) == 0 ? 9 : 80)};
  const auto wanted = static_cast<hw::Precision>(input.choose(3));
  s.precision = config.supports(wanted) ? wanted : hw::Precision::kInt8;
  s.line = (s.w + input.choose(3)) * config.memory_atom;
  s.surface = s.line * (s.h + input.choose(2));
  return s;
}

/// Settings of a table, and a few of its entries.
inline void write_lut(ProgramWriter& p, const std::string& block) {
  for (const char* name : {"S_LUT_CFG", "S_LUT_INFO", "S_LUT_LE_SLOPE_SCALE", "S_LUT_LE_SLOPE_SHIFT", "S_LUT_LO_SLOPE_SCALE",
                           "S_LUT_LO_SLOPE_SHIFT"}) {
    p.any(block + "." + name);
  }
  for (const char* name : {"S_LUT_LE_START", "S_LUT_LE_END", "S_LUT_LO_START", "S_LUT_LO_END"}) {
    const auto value = static_cast<uint32_t>(static_cast<int16_t>(p.input().value<uint16_t>()));
    p.set(block + "." + name, value);                                    // SDP
    p.set(block + "." + name + "_LOW", value);                           // CDP
    p.set(block + "." + name + "_HIGH", (value >> 31) != 0 ? 0x3f : 0);
  }
  for (uint32_t i = p.input().choose(9); i > 0; --i) {
    const uint32_t table = p.input().choose(2);
    p.set(block + ".S_LUT_ACCESS_CFG", 1u << 17 | table << 16 | p.input().choose(table == 0 ? 65 : 257 - 1));
    p.set(block + ".S_LUT_ACCESS_DATA", p.input().value<uint16_t>());
  }
}

/// One stage of SDP with its operand reader; register names by BS, BN, EW and B, N, E.
inline void write_stage(ProgramWriter& p, const Sizes& s, uint32_t index) {
  const std::string stage = index == 0 ? "BS" : index == 1 ? "BN" : "EW";
  const std::string reader = std::string("SDP_RDMA.D_") + stage[index == 0 ? 0 : index == 1 ? 1 : 0] + "RDMA_CFG";
  Input& input = p.input();
  const uint32_t flags = input.byte();
  const bool memory = (flags & 0x81) == 0x81;
  const bool on = memory || (flags & 0x80) != 0;
  const uint32_t use = input.choose(3);  // 0 multiplier, 1 ALU, 2 both
  const bool alu = !memory || use != 0;
  const bool mul = !memory || use != 1;
  const uint32_t algo = (flags >> 1) % (index == 2 && (flags & 0x40) != 0 ? 4 : 3);  // EQL takes no table behind it
  p.set("SDP.D_DP_" + stage + "_CFG",
        (on ? 0u : 1u) | (alu ? 0u : 2u) | algo << 2 | (mul ? 0u : 16u) | (flags & 0x20) | (flags & 0x40));
  const uint32_t size = s.precision == hw::Precision::kInt8 ? input.choose(2) : 1;
  p.set(reader, memory && on ? use << 1 | size << 3 | input.choose(2) << 4 | 1u << 5 : 1);
  p.set("SDP_RDMA.D_" + stage + "_BASE_ADDR_LOW", static_cast<uint32_t>(kOperands + index * 0x50000));
  const uint32_t line = s.w * 32 * 4;
  p.set("SDP_RDMA.D_" + stage + "_LINE_STRIDE", line);
  p.set("SDP_RDMA.D_" + stage + "_SURFACE_STRIDE", line * s.h);
  const auto shift = [&] { return index == 2 ? input.choose(2) << 1 : input.choose(40) << 8; };
  p.set("SDP.D_DP_" + stage + "_ALU_CFG", (memory && use != 0 ? 1u : 0u) | shift());
  p.any("SDP.D_DP_" + stage + "_ALU_SRC_VALUE");
  p.set("SDP.D_DP_" + stage + "_MUL_CFG", (memory && use != 1 ? 1u : 0u) | shift());
  p.any("SDP.D_DP_" + stage + "_MUL_SRC_VALUE");
}

struct SdpUse {
  bool flying = false;
  bool to_pdp = false;
  bool winograd = false;
  uint32_t batches = 1;
};

inline void write_sdp(ProgramWriter& p, const Sizes& s, const SdpUse& use) {
  Input& input = p.input();
  for (const std::string block : {"SDP_RDMA", "SDP"}) {
    p.set(block + ".D_DATA_CUBE_WIDTH", s.w - 1);
    p.set(block + ".D_DATA_CUBE_HEIGHT", s.h - 1);
    p.set(block + ".D_DATA_CUBE_CHANNEL", s.c - 1);
  }
  const uint32_t mode = (use.flying ? 1u : 0u) | (use.batches - 1) << 8;
  const bool narrows = s.precision == hw::Precision::kInt8 && p.config().supports(hw::Precision::kInt16) && input.choose(8) == 0;
  const uint32_t in = narrows ? 1 : s.code();
  p.set("SDP_RDMA.D_FEATURE_MODE_CFG", mode | (use.winograd ? 2u : 0u) | (use.flying ? s.code() : in) << 2 | s.code() << 4 | s.code() << 6);
  p.set("SDP_RDMA.D_SRC_BASE_ADDR_LOW", kSource);
  p.set("SDP_RDMA.D_SRC_LINE_STRIDE", s.line);
  p.set("SDP_RDMA.D_SRC_SURFACE_STRIDE", s.surface);
  p.set("SDP_RDMA.D_SRC_DMA_CFG", 1);
  for (uint32_t i = 0; i < 3; ++i) {
    write_stage(p, s, i);
  }
  for (const char* name : {"ALU_CVT_OFFSET", "ALU_CVT_SCALE", "MUL_CVT_OFFSET", "MUL_CVT_SCALE"}) {
    p.any(std::string("SDP.D_DP_EW_") + name + "_VALUE");
  }
  for (const char* name : {"EW_ALU_CVT_TRUNCATE_VALUE", "EW_MUL_CVT_TRUNCATE_VALUE", "EW_TRUNCATE_VALUE"}) {
    p.set(std::string("SDP.D_DP_") + name, input.choose(40));
  }
  write_lut(p, "SDP");
  p.set("SDP.D_DST_BASE_ADDR_LOW", kResult);
  p.set("SDP.D_DST_LINE_STRIDE", s.line * 2);
  p.set("SDP.D_DST_SURFACE_STRIDE", s.surface * 2);
  p.set("SDP.D_DST_BATCH_STRIDE", s.surface * 2 * 16);
  p.set("SDP.D_DST_DMA_CFG", 1);
  p.set("SDP.D_FEATURE_MODE_CFG", mode | (use.to_pdp ? 2u : 0u) | (use.winograd ? 4u : 0u) | input.choose(2) << 3);
  p.set("SDP.D_DATA_FORMAT", s.code() | (!use.to_pdp && input.choose(4) == 0 && p.config().supports(hw::Precision::kFp16) ? input.choose(3) : s.code()) << 2);
  if (input.choose(8) == 0) {  // what EQL needs
    p.set("SDP.D_CVT_OFFSET", 0);
    p.set("SDP.D_CVT_SCALE", 1);
    p.set("SDP.D_CVT_SHIFT", 0);
  } else {
    p.any("SDP.D_CVT_OFFSET");
    p.any("SDP.D_CVT_SCALE");
    p.set("SDP.D_CVT_SHIFT", input.choose(40));
  }
  p.set("SDP.D_PERF_ENABLE", input.choose(4) == 0 ? input.choose(16) : 0);
  p.set("SDP_RDMA.D_PERF_ENABLE", input.choose(4));
}

/// One axis of a pooling: all of the padded input is used.
struct PoolAxis {
  uint32_t kernel = 1, stride = 1, low = 0, high = 0, out = 1;
};

inline PoolAxis any_axis(Input& input, uint32_t size) {
  PoolAxis a;
  a.kernel = 1 + input.choose(std::min(8u, size));
  a.stride = 1 + input.choose(4);
  a.low = input.choose(std::min(a.kernel, 8u));
  while ((size + a.low + a.high - a.kernel) % a.stride != 0) {
    if (++a.high == std::min(a.kernel, 8u)) {
      a.high = 0;
      a.stride = 1;
    }
  }
  a.out = (size + a.low + a.high - a.kernel) / a.stride + 1;
  return a;
}

/// Cuts the width in two bands where that is possible; the registers of the split.
inline void write_split(ProgramWriter& p, const Sizes& s, const PoolAxis& x) {
  const uint32_t first_out = 1 + p.input().choose(std::max(1u, x.out - 1));
  const uint32_t first_in = (first_out - 1) * x.stride + x.kernel - x.low;
  const bool split = x.out > 1 && first_in < s.w && p.input().choose(3) == 0;
  const uint32_t last = split ? 1 : 0;
  p.set("PDP_RDMA.D_OPERATION_MODE_CFG", last);
  p.set("PDP_RDMA.D_POOLING_KERNEL_CFG", (x.kernel - 1) | (x.stride - 1) << 4);
  p.set("PDP_RDMA.D_POOLING_PADDING_CFG", x.low);
  const uint32_t in = (first_in - 1) % 1024 | (s.w - first_in - 1) % 1024 << 10;
  const uint32_t out = (first_out - 1) | (x.out - first_out - 1) % 1024 << 10;
  p.set("PDP_RDMA.D_PARTIAL_WIDTH_IN", in);
  p.set("PDP.D_PARTIAL_WIDTH_IN", in);
  p.set("PDP.D_PARTIAL_WIDTH_OUT", out);
  p.set("PDP.D_OPERATION_MODE_CFG", p.input().choose(3) | 1u << 4 | last << 8);
}

inline void write_pdp(ProgramWriter& p, const Sizes& s, bool from_sdp) {
  Input& input = p.input();
  const PoolAxis x = any_axis(input, s.w);
  const PoolAxis y = any_axis(input, s.h);
  for (const std::string block : {"PDP_RDMA", "PDP"}) {
    p.set(block + ".D_DATA_CUBE_IN_WIDTH", s.w - 1);
    p.set(block + ".D_DATA_CUBE_IN_HEIGHT", s.h - 1);
    p.set(block + ".D_DATA_CUBE_IN_CHANNEL", s.c - 1);
    p.set(block + ".D_DATA_FORMAT", s.code());
  }
  p.set("PDP_RDMA.D_FLYING_MODE", 1);
  p.set("PDP_RDMA.D_SRC_BASE_ADDR_LOW", kSource);
  p.set("PDP_RDMA.D_SRC_LINE_STRIDE", s.line);
  p.set("PDP_RDMA.D_SRC_SURFACE_STRIDE", s.surface);
  p.set("PDP_RDMA.D_SRC_RAM_CFG", 1);
  p.set("PDP.D_DATA_CUBE_OUT_WIDTH", x.out - 1);
  p.set("PDP.D_DATA_CUBE_OUT_HEIGHT", y.out - 1);
  p.set("PDP.D_DATA_CUBE_OUT_CHANNEL", s.c - 1);
  if (from_sdp) {
    p.set("PDP.D_OPERATION_MODE_CFG", input.choose(3));
  } else {
    write_split(p, s, x);
  }
  p.set("PDP.D_NAN_FLUSH_TO_ZERO", input.choose(2));
  p.set("PDP.D_POOLING_KERNEL_CFG", (x.kernel - 1) | (y.kernel - 1) << 8 | (x.stride - 1) << 16 | (y.stride - 1) << 20);
  p.set("PDP.D_POOLING_PADDING_CFG", x.low | y.low << 4 | x.high << 8 | y.high << 12);
  for (uint32_t i = 1; i <= 7 && s.precision != hw::Precision::kFp16; ++i) {
    p.any("PDP.D_POOLING_PADDING_VALUE_" + std::to_string(i) + "_CFG");
  }
  p.any("PDP.D_RECIP_KERNEL_WIDTH");
  p.any("PDP.D_RECIP_KERNEL_HEIGHT");
  p.set("PDP.D_DST_BASE_ADDR_LOW", kPooled);
  p.set("PDP.D_DST_LINE_STRIDE", x.out * 32);
  p.set("PDP.D_DST_SURFACE_STRIDE", x.out * y.out * 32);
  p.set("PDP.D_DST_RAM_CFG", 1);
}

inline void write_cdp(ProgramWriter& p, const Sizes& s) {
  Input& input = p.input();
  p.set("CDP_RDMA.D_DATA_CUBE_WIDTH", s.w - 1);
  p.set("CDP_RDMA.D_DATA_CUBE_HEIGHT", s.h - 1);
  p.set("CDP_RDMA.D_DATA_CUBE_CHANNEL", s.c - 1);
  p.set("CDP_RDMA.D_SRC_BASE_ADDR_LOW", kSource);
  p.set("CDP_RDMA.D_SRC_LINE_STRIDE", s.line);
  p.set("CDP_RDMA.D_SRC_SURFACE_STRIDE", s.surface);
  p.set("CDP_RDMA.D_SRC_DMA_CFG", 1);
  p.set("CDP_RDMA.D_DATA_FORMAT", s.code());
  p.set("CDP.D_DATA_FORMAT", s.code());
  p.set("CDP.D_FUNC_BYPASS", input.choose(4));
  p.set("CDP.D_LRN_CFG", input.choose(4));
  p.set("CDP.D_NAN_FLUSH_TO_ZERO", input.choose(2));
  for (const char* name : {"D_DATIN_OFFSET", "D_DATIN_SCALE", "D_DATIN_SHIFTER", "D_DATOUT_OFFSET", "D_DATOUT_SCALE",
                           "D_DATOUT_SHIFTER"}) {
    p.any(std::string("CDP.") + name);
  }
  write_lut(p, "CDP");
  p.set("CDP.D_DST_BASE_ADDR_LOW", kResult);
  p.set("CDP.D_DST_LINE_STRIDE", s.line);
  p.set("CDP.D_DST_SURFACE_STRIDE", s.surface);
  p.set("CDP.D_DST_DMA_CFG", 1);
  p.set("CDP.D_PERF_ENABLE", input.choose(4));
}

inline void write_rubik(ProgramWriter& p, const Sizes& s) {
  Input& input = p.input();
  const uint32_t mode = input.choose(3);
  const uint32_t step_x = 1 + input.choose(3);
  const uint32_t step_y = 1 + input.choose(3);
  const uint32_t lanes = p.config().channels_per_atom(s.precision);
  const uint32_t in_c = mode == 0 ? round_up(s.c, lanes) * step_x * step_y : s.c;
  const uint32_t line = s.w * 32 * step_x;
  p.set("RUBIK.D_MISC_CFG", mode | s.code() << 8);
  p.set("RUBIK.D_DAIN_RAM_TYPE", 1);
  p.set("RUBIK.D_DATAIN_SIZE_0", (s.w - 1) | (s.h - 1) << 16);
  p.set("RUBIK.D_DATAIN_SIZE_1", in_c - 1);
  p.set("RUBIK.D_DAIN_ADDR_LOW", kSource);
  p.set("RUBIK.D_DAIN_LINE_STRIDE", s.w * 32);
  p.set("RUBIK.D_DAIN_SURF_STRIDE", s.w * s.h * 32);
  p.set("RUBIK.D_DAIN_PLANAR_STRIDE", s.w * s.h * 32);
  p.set("RUBIK.D_DAOUT_RAM_TYPE", 1);
  p.set("RUBIK.D_DATAOUT_SIZE_1", s.c - 1);
  p.set("RUBIK.D_DAOUT_ADDR_LOW", kResult);
  p.set("RUBIK.D_DAOUT_LINE_STRIDE", line);
  p.set("RUBIK.D_DAOUT_SURF_STRIDE", line * s.h * step_y);
  p.set("RUBIK.D_DAOUT_PLANAR_STRIDE", line * s.h);
  p.set("RUBIK.D_CONTRACT_STRIDE_0", lanes * step_x * 32);
  p.set("RUBIK.D_CONTRACT_STRIDE_1", line * step_y);
  p.set("RUBIK.D_DECONV_STRIDE", (step_x - 1) | (step_y - 1) << 16);
}

inline void write_bdma(ProgramWriter& p) {
  Input& input = p.input();
  for (uint32_t i = 1 + input.choose(3); i > 0; --i) {
    p.set("BDMA.CFG_SRC_ADDR_LOW", static_cast<uint32_t>(kSource) + input.choose(256) * 32);
    p.set("BDMA.CFG_DST_ADDR_LOW", static_cast<uint32_t>(input.choose(4) == 0 ? kSource : kResult) + input.choose(256) * 32);
    p.set("BDMA.CFG_LINE", input.choose(8));
    p.set("BDMA.CFG_CMD", input.choose(4));
    p.set("BDMA.CFG_LINE_REPEAT", input.choose(6));
    p.set("BDMA.CFG_SURF_REPEAT", input.choose(4));
    for (const char* name : {"CFG_SRC_LINE", "CFG_DST_LINE", "CFG_SRC_SURF", "CFG_DST_SURF"}) {
      p.set(std::string("BDMA.") + name, input.choose(64) * 32);
    }
    p.set("BDMA.CFG_OP", 1);
  }
  p.set(input.choose(2) == 0 ? "BDMA.CFG_LAUNCH0" : "BDMA.CFG_LAUNCH1", 1);
}

}  // namespace medlar::fuzz
