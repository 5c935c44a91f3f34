// SPDX-License-Identifier: Apache-2.0
// FP16 convolution at speed, bit for bit: 32 output pixels side by side, one weight against all of them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "chip/acc_cube.hpp"
#include "chip/conv_job.hpp"
#include "chip/conv_weights.hpp"
#include "chip/conv_window.hpp"

namespace medlar::chip {

inline constexpr int kHalfPixels = 32;
inline constexpr int kHalfKernels = 32;

/// A weight taken apart: mantissa in bits 0-13, exponent (in steps of four) in 16-18, sign in 24; zero for zero.
using HalfWeight = uint32_t;

/// Up to 32 pixels times up to 32 kernels, all atoms.
struct HalfTile {
  const uint8_t* pixels[kHalfPixels] = {};  ///< First byte of each pixel's window.
  const int64_t* lane_offsets = nullptr;    ///< Byte offset of every lane, atom after atom.
  const uint32_t* atom_begin = nullptr;     ///< First lane of each atom, and the end.
  uint32_t atoms = 0;
  const HalfWeight* weights = nullptr;      ///< [lane][kHalfKernels].
  const uint8_t* weight_nan = nullptr;      ///< Per atom: some weight is NaN; then `raw` is needed.
  const uint16_t* raw = nullptr;            ///< [lane][kHalfKernels], as in memory.
  int kernels = 0;
  uint32_t* out = nullptr;                  ///< [kernel][kHalfPixels]: FP32 bits.
};

/// True when this machine has a fast kernel and `name` (a DotTarget's) may use it.
bool has_fast_half(std::string_view name);
void half_tile_avx512(const HalfTile& tile);

/// Computes the kernels of `range` into `out`. The window is raw.
void convolve_halves(const ConvJob& job, const ConvWindow& window, KernelRange range, ByteView weights, AccCube& out);

}  // namespace medlar::chip
