// SPDX-License-Identifier: Apache-2.0
// The convolution core: CDMA, CBUF, CSC, CMAC and CACC as one operation.
#pragma once

#include <memory>

#include "base/status.hpp"
#include "chip/conv/acc_cube.hpp"
#include "chip/memory/memory_port.hpp"
#include "hw/config.hpp"
#include "hw/gen/registers.hpp"

namespace medlar::chip {

/// One register group of each convolution block, decoded. CMAC_A and CMAC_B must agree before they get here.
struct ConvRegisters {
  hw::CdmaGroup cdma;
  hw::CscGroup csc;
  hw::CmacAGroup cmac;
  hw::CaccGroup cacc;
};

struct ChipTarget;

/// Keeps what CBUF holds between operations (weight and data reuse).
class ConvCore {
 public:
  /// Both must outlive the core.
  ConvCore(const hw::HwConfig& config, const ChipTarget& target);
  ~ConvCore();
  ConvCore(const ConvCore&) = delete;
  ConvCore& operator=(const ConvCore&) = delete;

  /// Plans the operation, fetches its data and (unless they are too many to repack at once) its weights. The feed
  /// computes when asked, and lives until finish().
  Result<AccFeed> start(const ConvRegisters& registers, MemoryPort& memory);
  /// The operation that was started is done: CBUF keeps what it is to keep.
  void finish();
  /// Power-on state: CBUF empty.
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace medlar::chip
