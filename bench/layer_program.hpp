// SPDX-License-Identifier: Apache-2.0
// A layer as register programs of nv_full: convolution, per-channel bias, scale and ReLU, output in memory; cut into bands
// of rows where CBUF is too small for the whole input.
#pragma once

#include <vector>

#include "bench/layers.hpp"
#include "chip/chip.hpp"
#include "hw/config.hpp"

namespace medlar::bench {

/// Memory in one piece from 2 GiB on.
class FlatPort final : public chip::MemoryPort {
 public:
  static constexpr uint64_t kBase = 0x80000000;
  explicit FlatPort(size_t bytes) : bytes_(bytes) {}
  std::span<uint8_t> view(chip::Ram ram, uint64_t address, uint64_t size, chip::Access access) override;
  Status read(chip::Ram ram, uint64_t address, std::span<uint8_t> out) override;
  Status write(chip::Ram ram, uint64_t address, std::span<const uint8_t> in) override;
  std::vector<uint8_t>& bytes() { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

/// Chip, memory and programs of one layer.
class LayerRun {
 public:
  LayerRun(const Layer& layer, hw::Precision precision);
  /// All bands, from the first register to the last byte.
  Status run();
  size_t bands() const { return programs_.size(); }

 private:
  struct Write {
    uint32_t address = 0;
    uint32_t value = 0;
  };
  struct Places {
    uint64_t data = 0, weights = 0, operands = 0, result = 0, end = 0;
  };
  struct Band {
    uint32_t first_out = 0, out_rows = 0, first_in = 0, in_rows = 0, pad_top = 0, pad_bottom = 0;
  };

  uint64_t weight_bytes() const;
  Places place() const;
  void fill();
  void fill_diagonal();
  std::vector<Band> cut() const;
  void set(const char* name, uint32_t value);
  void write_conv(const Band& band);
  void write_sdp(const Band& band);
  uint32_t entries() const;
  uint32_t weight_banks() const;

  const hw::HwConfig& config_;
  Layer layer_;
  hw::Precision precision_;
  uint32_t unit_;
  uint32_t surface_line_in_, surface_line_out_;  ///< Bytes of a line of a surface.
  Places at_;
  FlatPort memory_;
  chip::Chip chip_;
  std::vector<std::vector<Write>> programs_;
};

}  // namespace medlar::bench
