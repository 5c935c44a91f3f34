// SPDX-License-Identifier: Apache-2.0
// The arithmetic of one convolution once data and weights are there: picks the fast path or the written-out one.
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "chip/chip_target.hpp"
#include "chip/conv/acc_cube.hpp"
#include "chip/conv/input/cube.hpp"
#include "chip/conv/input/window.hpp"
#include "chip/conv/integer/integer.hpp"
#include "chip/conv/integer/single.hpp"
#include "chip/conv/job.hpp"
#include "chip/conv/weights/pack.hpp"
#include "chip/conv/weights/weights.hpp"

namespace medlar::chip {

/// Memory that operations use one after the other.
struct ConvScratch {
  ConvWindow window;
  PackedWeights packed;
};

class ConvCompute {
 public:
  /// All must outlive it.
  ConvCompute(const ConvJob& job, const ChipTarget& target, ConvScratch& scratch);

  /// The form of scratch.window that the job wants.
  WindowForm form() const { return form_; }
  /// True when `scratch.window` may be filled without a cube.
  bool takes_window() const { return path_ == Path::kInteger || path_ == Path::kHalf; }
  /// True when rows can be computed one band after the other at no extra cost.
  bool has_bands() const { return path_ == Path::kInteger; }
  /// True when any pieces can be computed on several threads at once.
  bool has_pieces() const { return path_ == Path::kInteger && job_.batches == 1; }

  /// `cube` holds the job's whole input and must outlive the object.
  void set_data(const ConvCube& cube);
  /// The kernels of `range` from now on; `weights` are theirs, uncompressed, in memory order.
  void set_weights(KernelRange range, ByteView weights);
  /// Computes `out.h` rows from `first_row` on of the range's kernels, and zeros in the lanes beyond the last kernel.
  void run(uint32_t first_row, AccCube& out);
  /// Between set_weights of all kernels and any run_piece.
  void start_pieces();
  void run_piece(const AccPiece& piece, int32_t* out) const;
  uint64_t pixel_bytes() const;   ///< Input that an output pixel adds to the window.
  uint64_t products() const;      ///< Of one sum, by the work that they are.
  /// Products of one sum that can be other than zero, once all weights are set.
  uint64_t terms() const;

 private:
  enum class Path : uint8_t { kReference, kInteger, kHalf, kWinograd };
  static Path choose_path(const ConvJob& job, const ChipTarget& target);

  const ConvJob& job_;
  const DotTarget& target_;
  Path path_;
  WindowForm form_;
  ConvScratch& scratch_;
  const ConvCube* cube_ = nullptr;
  KernelRange range_;
  ByteView weights_;
  bool single_ = false;  ///< One pixel: `pixel_` computes it.
  std::optional<IntegerTiler> tiler_;
  std::optional<SinglePixel> pixel_;
};

}  // namespace medlar::chip
