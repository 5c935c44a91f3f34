// SPDX-License-Identifier: Apache-2.0
// How a reader cuts lines into requests and beats.
#pragma once

#include <cstdint>

namespace medlar::timing {

/// Lines of a cube in units of its atom; strides count from line to line and from surface to surface.
struct LineSet {
  uint64_t first_atom = 0;  ///< Address of the first line.
  uint64_t atoms = 1;       ///< Of a line.
  uint64_t lines = 1;
  uint64_t line_stride = 1;
  uint64_t surfaces = 1;
  uint64_t surface_stride = 1;
};

struct Fetched {
  uint64_t requests = 0;
  uint64_t beats = 0;
};

/// The convolution's reader asks for up to eight atoms at a time and ends a request where eight would end
/// that began at an aligned address (CDMA_DC); the port moves whole beats.
///
///   atoms   ...5 6 7|8 9 ...15|16 17      a line of 13 atoms from 5: requests of 3, 8 and 2
Fetched fetch_lines(const LineSet& lines, uint32_t atoms_per_beat);

/// Beats of a line of `bytes` from an aligned address.
uint64_t line_beats(uint64_t bytes, uint32_t beat_bytes);

/// Cycles of a copy's writer for one line: its beats, two cycles beside them, and one for every further burst
/// of four beats (BDMA and RUBIK in the RTL).
uint64_t line_write_cycles(uint64_t bytes, uint32_t beat_bytes);

}  // namespace medlar::timing
