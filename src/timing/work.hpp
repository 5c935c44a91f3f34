// SPDX-License-Identifier: Apache-2.0
// What one hardware operation computes and moves, free of registers and descriptors, and the time it takes.
#pragma once

#include "hw/config.hpp"
#include "timing/machine.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace medlar::timing {

enum class Memory : uint8_t { kDram, kSram };

/// Bytes between a unit and one of the memories.
struct Traffic {
  uint64_t bytes = 0;
  Memory memory = Memory::kDram;
};

/// The single-point processor, alone or behind a convolution.
struct SdpWork {
  uint64_t pixels = 0;        ///< Positions, all batches.
  uint32_t channels = 0;      ///< Of the output.
  uint32_t channel_atom = 1;  ///< Channels that memory, and the unit alone, takes together.
  bool ew = false;            ///< The Y stage takes part.
  bool lut = false;           ///< Its table is looked up.
  bool single_atoms = false;  ///< The output is written atom by atom: lines of one position, or batches.
  Traffic input;              ///< From memory; 0 bytes on the fly.
  Traffic x1;
  Traffic x2;
  Traffic y;
  Traffic output;  ///< 0 bytes when the output goes to PDP.
};

/// Pooling, alone or behind SDP.
struct PdpWork {
  uint64_t input_bytes = 0;     ///< Processed, padding lanes included.
  bool last_row_counts = true;  ///< The last input row is under a window: results follow it.
  uint64_t flush_bytes =
      0;          ///< Of the output rows that only padding below the input completes, of one surface.
  Traffic input;  ///< From memory; 0 bytes on the fly.
  double request_fill = 1;  ///< Share of a full request that an average one of the reader fills.
  Traffic output;
};

struct CdpWork {
  uint64_t bytes = 0;  ///< Processed, padding lanes included.
  uint64_t stripes =
      0;  ///< Atoms of channels times runs of up to 8 positions: what the unit takes at a time.
  Traffic input;
  Traffic output;
};

/// Data movement without arithmetic: RUBIK and BDMA.
struct CopyWork {
  enum class Engine : uint8_t { kBdma, kRubik };
  Engine engine = Engine::kBdma;
  Traffic input;  ///< As fetched: whole beats a line.
  Traffic output;
  uint64_t switches = 0;      ///< From one source memory to the other: the reader drains in between.
  uint64_t write_cycles = 0;  ///< Of the writer alone: beats, and what each line and burst costs beside them.
};

/// How CSC cuts output positions into stripes: `least` positions each, the last of a line up to `most`.
struct Stripes {
  uint64_t positions = 0;  ///< Of a line; of a direct convolution the whole output is one line.
  uint64_t lines = 1;      ///< Images: a stripe ends with its line.
  uint32_t least = 16;
  uint32_t most = 32;
  uint32_t batches = 1;  ///< Cubes that go side by side: so many steps a position.
  uint32_t outputs = 1;  ///< Of a position: Winograd makes four.

  uint64_t full() const { return positions <= most ? 0 : (positions - most + least - 1) / least; }
  uint64_t last() const { return positions - full() * least; }
  uint64_t pixels() const { return positions * lines * batches * outputs; }
};

/// A convolution with everything that runs in step with it.
struct ConvWork {
  enum class Mode : uint8_t { kDirect, kImage, kWinograd };
  Mode mode = Mode::kDirect;
  hw::Precision precision = hw::Precision::kInt8;
  Stripes stripes;
  uint64_t steps = 0;            ///< Multiply steps of a stripe: rows x columns x channel blocks.
  uint32_t channels = 0;         ///< Of the input, as CSC sees them.
  bool paired_surfaces = false;  ///< CBUF entries take atoms of several surfaces.
  double request_fill =
      1;  ///< Share of a full request (eight atoms) that an average one of the data reader fills.
  uint32_t kernels = 0;
  uint64_t macs = 0;  ///< Useful multiply-accumulates.
  Traffic
      data;  ///< As fetched: whole beats a request. 0 bytes when the data of the operation before are reused.
  Traffic weights;           ///< 0 bytes when the weights are reused; masks of compressed weights included.
  uint64_t weight_room = 0;  ///< Bytes of CBUF for weights; 0: all of them fit.
  SdpWork sdp;
  std::optional<PdpWork> pdp;
};

/// What an operation waits for most.
enum class Bound : uint8_t { kLoad, kMac, kSdp, kPdp, kCdp, kMemory };

/// "load", "mac", "sdp", "pdp", "cdp", "memory".
std::string_view bound_name(Bound bound);

/// Time and traffic of one operation that runs alone. Cycles of the core's clock.
struct OpTime {
  uint64_t cycles = 0;  ///< From the enable to the done interrupt.
  uint64_t load_cycles =
      0;  ///< Part of it before the first result: a preceding operation can hide it (ping-pong).
  uint64_t data_cycles = 0;         ///< The input data alone, at the full rate of their reader.
  uint64_t mac_cycles = 0;          ///< The array is busy.
  uint64_t sdp_cycles = 0;          ///< SDP, PDP or CDP is busy.
  uint64_t translation_cycles = 0;  ///< Part of the cycles: walks of the SMMU that nothing hides.
  uint64_t dram_read_bytes = 0;
  uint64_t dram_write_bytes = 0;
  uint64_t sram_read_bytes = 0;
  uint64_t sram_write_bytes = 0;
  uint64_t macs = 0;
  Bound bound = Bound::kMemory;

  uint64_t sram_bytes() const { return sram_read_bytes + sram_write_bytes; }
  uint64_t dram_bytes() const { return dram_read_bytes + dram_write_bytes; }
  double seconds(const Machine& machine) const {
    return static_cast<double>(cycles) / static_cast<double>(machine.hz);
  }
  friend bool operator==(const OpTime&, const OpTime&) = default;
};

OpTime time_of(const ConvWork& work, const Machine& machine);
OpTime time_of(const SdpWork& work, const std::optional<PdpWork>& pdp, const Machine& machine);
OpTime time_of(const PdpWork& work, const Machine& machine);
OpTime time_of(const CdpWork& work, const Machine& machine);
OpTime time_of(const CopyWork& work, const Machine& machine);

/// Cycles of two convolutions in the two register groups. The load of `second` hides behind `first`; without
/// room for its data in CBUF beside those of `first`, only its weights do.
uint64_t ping_pong_cycles(const OpTime& first, const OpTime& second, bool room_for_data);

}  // namespace medlar::timing
