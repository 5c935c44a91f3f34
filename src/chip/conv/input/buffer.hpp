// SPDX-License-Identifier: Apache-2.0
// What CBUF keeps from one convolution to the next: data and weights that were not released.
#pragma once

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "chip/conv/input/cube.hpp"
#include "chip/conv/job.hpp"
#include "chip/conv/weights/weights.hpp"

namespace medlar::chip {

class ConvBuffer {
 public:
  void clear() { *this = ConvBuffer(); }

  /// The job's input: fetched, or what an earlier operation left (all of it, or its last lines before the new ones).
  Result<ConvCube> load_data(const ConvJob& job, MemoryPort& memory);
  /// Takes over the input when the job ends: SKIP_DATA_RLS keeps it, a partial release keeps the last lines.
  void store_data(const ConvJob& job, ConvCube cube);

  /// True when the job runs on the weights that an earlier operation left.
  bool reuses_weights(const ConvJob& job) const;
  /// Weights of a range, which must be the next one of the job; uncompressed, in memory order.
  Result<ByteView> load_weights(const ConvJob& job, KernelRange range, MemoryPort& memory);
  void store_weights(const ConvJob& job);

 private:
  /// Reuse needs the same mode, input format and bank split (NVDLA programming guide, CBUF reuse).
  struct Layout {
    ConvMode mode = ConvMode::kDirect;
    uint32_t data_banks = 0;
    uint32_t weight_banks = 0;
    friend bool operator==(const Layout&, const Layout&) = default;
  };
  static Layout layout(const ConvJob& job) {
    return {.mode = job.mode, .data_banks = job.data_banks, .weight_banks = job.weight_banks};
  }
  static Status check_kept(const ConvJob& job, const ConvCube& kept);
  Result<ConvCube> append_lines(const ConvJob& job, MemoryPort& memory) const;

  Layout data_layout_;
  bool data_whole_ = false;    ///< Nothing was released.
  ConvCube data_;              ///< Lines that were not released.
  Layout weight_layout_;
  bool weights_kept_ = false;
  ByteBuffer weights_;         ///< All kernels, uncompressed.
  uint64_t kernel_bytes_ = 0;
  ByteBuffer incoming_;        ///< Weights of the running job, to keep.
  ByteBuffer scratch_;
  WeightDecoder decoder_;
};

}  // namespace medlar::chip
