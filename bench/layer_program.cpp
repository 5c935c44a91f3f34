// SPDX-License-Identifier: Apache-2.0
// Register programs of single layers.
#include "bench/layer_program.hpp"

#include <algorithm>
#include <cstring>
#include <random>

#include "base/checked.hpp"

namespace medlar::bench {

std::span<uint8_t> FlatPort::view(chip::Ram, uint64_t address, uint64_t size, chip::Access) {
  const bool inside = address >= kBase && address - kBase <= bytes_.size() && size <= bytes_.size() - (address - kBase);
  return inside ? std::span<uint8_t>(bytes_).subspan(address - kBase, size) : std::span<uint8_t>();
}

Status FlatPort::read(chip::Ram ram, uint64_t address, std::span<uint8_t> out) {
  const std::span<uint8_t> from = view(ram, address, out.size(), chip::Access::kRead);
  if (from.size() != out.size()) {
    return fail(Code::kFault, "bench: {} bytes at {:#x} lie outside of memory", out.size(), address);
  }
  std::copy(from.begin(), from.end(), out.begin());
  return {};
}

Status FlatPort::write(chip::Ram ram, uint64_t address, std::span<const uint8_t> in) {
  const std::span<uint8_t> to = view(ram, address, in.size(), chip::Access::kWrite);
  if (to.size() != in.size()) {
    return fail(Code::kFault, "bench: {} bytes at {:#x} lie outside of memory", in.size(), address);
  }
  std::copy(in.begin(), in.end(), to.begin());
  return {};
}

LayerRun::LayerRun(const Layer& layer, hw::Precision precision)
    : config_(*hw::find_config("nv_full").value()),
      layer_(layer),
      precision_(precision),
      unit_(hw::bytes_per_element(precision)),
      surface_line_in_(layer.size * config_.memory_atom),
      surface_line_out_(layer.out() * config_.memory_atom),
      at_(place()),
      memory_(at_.end - FlatPort::kBase),
      chip_(config_, memory_) {
  fill();
  for (const Band& band : cut()) {
    programs_.emplace_back();
    const uint32_t group = static_cast<uint32_t>(programs_.size() - 1) % 2;
    for (const char* unit : {"SDP", "SDP_RDMA", "CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA"}) {
      set((std::string(unit) + ".S_POINTER").c_str(), group);
    }
    write_conv(band);
    write_sdp(band);
    for (const char* unit : {"SDP", "SDP_RDMA", "CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA"}) {
      set((std::string(unit) + ".D_OP_ENABLE").c_str(), 1);
    }
  }
}

uint64_t LayerRun::weight_bytes() const {
  return round_up(uint64_t{layer_.k} * layer_.kernel * layer_.kernel * layer_.c * unit_, uint64_t{128});
}

LayerRun::Places LayerRun::place() const {
  const uint32_t lanes = config_.channels_per_atom(precision_);
  Places at;
  at.data = FlatPort::kBase;
  at.weights = round_up(at.data + uint64_t{surface_line_in_} * layer_.size * ceil_div(layer_.c, lanes), uint64_t{4096});
  at.operands = round_up(at.weights + weight_bytes(), uint64_t{4096});
  at.result = round_up(at.operands + uint64_t{round_up(layer_.k, lanes)} * 4, uint64_t{4096});
  at.end = round_up(at.result + uint64_t{surface_line_out_} * layer_.out() * ceil_div(layer_.k, lanes), uint64_t{4096});
  return at;
}

/// Integers over their whole range; halves like activations and weights of a network.
void LayerRun::fill() {
  std::mt19937 random(1);
  std::vector<uint8_t>& bytes = memory_.bytes();
  if (precision_ == hw::Precision::kFp16) {
    std::normal_distribution<float> normal;
    for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
      const float value = normal(random);
      const bool relu = FlatPort::kBase + i < at_.weights && value < -0.4f;
      const auto half = relu ? _Float16(0) : static_cast<_Float16>(value);
      std::memcpy(&bytes[i], &half, 2);
    }
  } else {
    for (uint8_t& byte : bytes) {
      byte = static_cast<uint8_t>(random());
    }
  }
  if (layer_.depthwise) {
    fill_diagonal();
  }
}

/// Zero where kernel and channel differ. Groups of kernels; in them blocks of 64 channels, taps, kernels, channels.
void LayerRun::fill_diagonal() {
  const uint32_t group = config_.kernels_per_group(precision_);
  uint8_t* at = memory_.bytes().data() + (at_.weights - FlatPort::kBase);
  for (uint32_t first = 0; first < layer_.k; first += group) {
    for (uint32_t c = 0; c < layer_.c; c += config_.atomic_c) {
      const uint32_t width = std::min(config_.atomic_c, layer_.c - c);
      for (uint32_t tap = 0; tap < layer_.kernel * layer_.kernel; ++tap) {
        for (uint32_t k = first; k < std::min(first + group, layer_.k); ++k, at += width * unit_) {
          for (uint32_t i = 0; i < width; ++i) {
            if (c + i != k) {
              std::memset(at + i * unit_, 0, unit_);
            }
          }
        }
      }
    }
  }
}

uint32_t LayerRun::entries() const {
  const uint32_t atoms = ceil_div(layer_.c * unit_, config_.memory_atom);
  const uint32_t rest = atoms % 4;
  return atoms / 4 * layer_.size + (rest == 3 ? layer_.size : ceil_div(rest * layer_.size, 4u));
}

uint32_t LayerRun::weight_banks() const {
  const uint64_t group = uint64_t{layer_.kernel} * layer_.kernel * layer_.c * unit_ *
                         std::min(layer_.k, config_.kernels_per_group(precision_));
  return static_cast<uint32_t>(ceil_div<uint64_t>(group, config_.cbuf_bank_bytes()));
}

std::vector<LayerRun::Band> LayerRun::cut() const {
  const uint32_t lines = (config_.cbuf_banks - weight_banks()) * config_.cbuf_bank_entries / entries();
  const uint32_t out = layer_.out();
  const uint32_t rows = lines >= layer_.size ? out : (lines - layer_.kernel) / layer_.stride + 1;
  std::vector<Band> bands;
  for (uint32_t first = 0; first < out; first += rows) {
    Band band{.first_out = first, .out_rows = std::min(rows, out - first)};
    const uint32_t begin = first * layer_.stride;
    const uint32_t end = begin + (band.out_rows - 1) * layer_.stride + layer_.kernel;  // in the padded input
    band.pad_top = begin < layer_.pad() ? layer_.pad() - begin : 0;
    band.first_in = begin + band.pad_top - layer_.pad();
    band.in_rows = std::min(end - layer_.pad(), layer_.size) - band.first_in;
    band.pad_bottom = end - layer_.pad() > layer_.size ? end - layer_.pad() - layer_.size : 0;
    bands.push_back(band);
  }
  return bands;
}

void LayerRun::set(const char* name, uint32_t value) {
  programs_.back().push_back({hw::find_register(name, config_.register_map)->address, value});
}

void LayerRun::write_conv(const Band& band) {
  const auto code = static_cast<uint32_t>(precision_);
  const uint32_t out = layer_.out();
  const uint32_t pad_right = (out - 1) * layer_.stride + layer_.kernel - layer_.size - layer_.pad();
  const uint32_t kernel_bytes = layer_.kernel * layer_.kernel * layer_.c * unit_;
  const uint32_t in_size = (layer_.size - 1) | (band.in_rows - 1) << 16;
  const uint32_t out_size = (out - 1) | (band.out_rows - 1) << 16;
  const uint32_t banks = (config_.cbuf_banks - weight_banks() - 1) | (weight_banks() - 1) << 16;
  const uint32_t stride = (layer_.stride - 1) | (layer_.stride - 1) << 16;
  const auto blob = static_cast<uint32_t>(weight_bytes());
  for (const char* name : {"CDMA.D_MISC_CFG", "CSC.D_MISC_CFG"}) {
    set(name, code << 8 | code << 12);
  }
  for (const char* name : {"CMAC_A.D_MISC_CFG", "CMAC_B.D_MISC_CFG", "CACC.D_MISC_CFG"}) {
    set(name, code << 12);
  }
  set("CDMA.D_DATAIN_SIZE_0", in_size);
  set("CDMA.D_DATAIN_SIZE_1", layer_.c - 1);
  set("CDMA.D_DATAIN_SIZE_EXT_0", in_size);
  set("CDMA.D_DAIN_RAM_TYPE", 1);
  set("CDMA.D_DAIN_ADDR_LOW_0", static_cast<uint32_t>(at_.data + uint64_t{band.first_in} * surface_line_in_));
  set("CDMA.D_LINE_STRIDE", surface_line_in_);
  set("CDMA.D_SURF_STRIDE", surface_line_in_ * layer_.size);
  set("CDMA.D_ENTRY_PER_SLICE", entries() - 1);
  set("CDMA.D_WEIGHT_SIZE_0", kernel_bytes - 1);
  set("CDMA.D_WEIGHT_SIZE_1", layer_.k - 1);
  set("CDMA.D_WEIGHT_RAM_TYPE", 1);
  set("CDMA.D_WEIGHT_ADDR_LOW", static_cast<uint32_t>(at_.weights));
  set("CDMA.D_WEIGHT_BYTES", blob);
  set("CDMA.D_BANK", banks);
  set("CDMA.D_CONV_STRIDE", stride);
  set("CDMA.D_ZERO_PADDING", layer_.pad() | pad_right << 8 | band.pad_top << 16 | band.pad_bottom << 24);
  set("CSC.D_DATAIN_SIZE_EXT_0", in_size);
  set("CSC.D_DATAIN_SIZE_EXT_1", layer_.c - 1);
  set("CSC.D_WEIGHT_SIZE_EXT_0", (layer_.kernel - 1) | (layer_.kernel - 1) << 16);
  set("CSC.D_WEIGHT_SIZE_EXT_1", (layer_.c - 1) | (layer_.k - 1) << 16);
  set("CSC.D_WEIGHT_BYTES", blob);
  set("CSC.D_ENTRY_PER_SLICE", entries() - 1);
  set("CSC.D_BANK", banks);
  set("CSC.D_DATAOUT_SIZE_0", out_size);
  set("CSC.D_DATAOUT_SIZE_1", layer_.k - 1);
  set("CSC.D_ATOMICS", out * band.out_rows - 1);
  set("CSC.D_RELEASE", band.in_rows - 1);
  set("CSC.D_CONV_STRIDE_EXT", stride);
  set("CSC.D_ZERO_PADDING", layer_.pad() | band.pad_top << 16);
  set("CACC.D_DATAOUT_SIZE_0", out_size);
  set("CACC.D_DATAOUT_SIZE_1", layer_.k - 1);
}

void LayerRun::write_sdp(const Band& band) {
  const auto code = static_cast<uint32_t>(precision_);
  for (const std::string unit : {"SDP_RDMA", "SDP"}) {
    set((unit + ".D_DATA_CUBE_WIDTH").c_str(), layer_.out() - 1);
    set((unit + ".D_DATA_CUBE_HEIGHT").c_str(), band.out_rows - 1);
    set((unit + ".D_DATA_CUBE_CHANNEL").c_str(), layer_.k - 1);
  }
  set("SDP_RDMA.D_FEATURE_MODE_CFG", 1 | code << 2 | code << 4 | code << 6);
  set("SDP_RDMA.D_BRDMA_CFG", 2 << 1 | 1 << 3 | 1 << 5);  // ALU and multiplier, two bytes, one a channel, DRAM
  set("SDP_RDMA.D_NRDMA_CFG", 1);
  set("SDP_RDMA.D_ERDMA_CFG", 1);
  set("SDP_RDMA.D_BS_BASE_ADDR_LOW", static_cast<uint32_t>(at_.operands));
  set("SDP.D_DP_BS_CFG", 2 << 2);  // sum, multiplier, ReLU
  set("SDP.D_DP_BS_ALU_CFG", 1);
  set("SDP.D_DP_BS_MUL_CFG", 1 | 22 << 8);
  set("SDP.D_DP_BN_CFG", 1);
  set("SDP.D_DP_EW_CFG", 1);
  set("SDP.D_CVT_SCALE", 1);
  set("SDP.D_DST_BASE_ADDR_LOW", static_cast<uint32_t>(at_.result + uint64_t{band.first_out} * surface_line_out_));
  set("SDP.D_DST_LINE_STRIDE", surface_line_out_);
  set("SDP.D_DST_SURFACE_STRIDE", surface_line_out_ * layer_.out());
  set("SDP.D_DST_DMA_CFG", 1);
  set("SDP.D_FEATURE_MODE_CFG", 1);
  set("SDP.D_DATA_FORMAT", code | code << 2);
}

Status LayerRun::run() {
  if (programs_.size() % 2 != 0) {
    chip_.reset();  // an odd number of operations leaves the other register group next
  }
  for (const std::vector<Write>& program : programs_) {
    for (const Write& write : program) {
      MEDLAR_TRY(chip_.write_register(write.address, write.value));
    }
    MEDLAR_ASSIGN(const bool ran, chip_.step());
    if (!ran) {
      return fail(Code::kInternal, "bench: {}: nothing was ready to run", layer_.name);
    }
  }
  return {};
}

}  // namespace medlar::bench
