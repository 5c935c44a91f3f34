// SPDX-License-Identifier: Apache-2.0
// Register programs: the writes of a trace become the operations that they enable, and those a timeline.
#pragma once

#include "base/status.hpp"
#include "timing/snapshot.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace medlar::timing {

/// One operation of a program, as its registers stood when it was enabled.
struct ProgramOp {
  Snapshot snapshot;
  uint32_t phase = 0;       ///< Waits for the interrupt that precede it: operations of one phase overlap.
  uint64_t enabled_at = 0;  ///< Register writes of the program before its last enable.
  uint64_t line = 0;        ///< Of the text, from 1.
};

/// "conv", "conv+pdp", "sdp", "sdp+pdp", "pdp", "cdp", "rubik", "bdma".
std::string_view kind_name(const Snapshot& snapshot);

/// Collects register writes.
class ProgramReader {
 public:
  explicit ProgramReader(const hw::HwConfig& config);

  /// A write at a byte address. Registers that no unit has are an error; read-only ones are written to no
  /// effect.
  Status write(uint32_t address, uint32_t value, uint64_t line = 0);
  /// The program waits for an interrupt.
  void wait();
  /// The operations, in the order of their last enables. An error names an enable that nothing completes.
  Result<std::vector<ProgramOp>> finish();

 private:
  using Words = std::vector<uint32_t>;
  /// Where in the program something was enabled.
  struct Mark {
    uint64_t at = 0, line = 0;
    uint32_t phase = 0;
    void take_later(const Mark& other) { *this = other.at > at ? other : *this; }
  };
  struct Enable {
    Words words;
    Mark mark;
  };

  void bdma_write(std::string_view name, const Words& words, const Mark& mark);
  Status take_convolutions();
  Status take_flying_sdp(ConvSnapshot& op, Mark& mark);
  Result<std::optional<hw::PdpGroup>> take_pooling(const hw::SdpGroup& sdp, Mark& mark);
  Status take_sdp();
  Status take_pdp_cdp_rubik();
  std::vector<Enable>& enables(hw::Block block) { return enables_[static_cast<size_t>(block)]; }
  Result<Enable> take(hw::Block block, std::string_view wanted_by);
  hw::SdpRdmaGroup sdp_rdma(const hw::SdpGroup& sdp);
  void add(Snapshot snapshot, const Mark& mark);

  const hw::HwConfig& config_;
  std::array<std::array<Words, 2>, hw::kBlockCount> files_;
  std::array<size_t, hw::kBlockCount> producer_{};
  std::array<std::vector<Enable>, hw::kBlockCount> enables_;
  std::vector<hw::BdmaGroup> transfers_;
  std::vector<ProgramOp> ops_;
  uint64_t writes_ = 0;
  uint32_t phase_ = 0;
};

/// The text of an input.txn (nvdlav1) or a .cfg (hw-master): its register writes and waits. The error names
/// the line.
Result<std::vector<ProgramOp>> parse_program(std::string_view text, const hw::HwConfig& config);

/// When an operation of a program ran, in cycles from the last enable of its phase; an earlier enable is
/// before 0.
struct TimedOp {
  OpTime time;  ///< The operation alone.
  int64_t begin = 0;
  int64_t end = 0;  ///< Its done pulse.
};

struct Timeline {
  std::vector<TimedOp> ops;   ///< In the program's order.
  uint64_t total_cycles = 0;  ///< Sum over the phases: from the last enable to the last done pulse.
};

/// Operations of one phase that use the same units follow each other in the two register groups: the load of
/// the next hides behind the one before as far as CBUF has room. Different units run side by side.
Timeline timeline_of(const std::vector<ProgramOp>& ops, const hw::HwConfig& config, const Machine& machine);

}  // namespace medlar::timing
