// SPDX-License-Identifier: Apache-2.0
// One inference under way: where every tensor between the segments lies right now. Private to this folder.
#pragma once

#include "runtime/convert.hpp"
#include "runtime/execution_context.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace medlar::runtime {

/// What a context owns between runs.
struct WorkingMemory {
  std::vector<umd::Bindings> dla;  ///< By segment; empty for host segments.
  TensorMap host;                  ///< Row-major storage of tensors between segments, made when needed.
  /// Bound device memory, as the engine's address space sees it.
  std::vector<std::pair<std::weak_ptr<DeviceMemory>, std::shared_ptr<umd::Buffer>>> imports;
  std::optional<umd::Fence> unfinished;  ///< Of a cancelled run whose task was still under way.
};

/// A tensor as the host sees it: row-major.
using HostValue = host::TensorRef;

/// A tensor as the DLA left it or takes it.
struct DeviceValue {
  umd::BufferSlice slice;
  loadable::Tensor layout;
  StoredAs stored;
};

/// Host time that a cancelled run gives the DLA task that it has started: a task cannot be stopped half way,
/// and its memory is its own until then.
inline constexpr std::chrono::milliseconds kBorderWait(2000);

class Run {
 public:
  Run(const LoadedEngine& engine, WorkingMemory& memory, const Bindings& bindings)
      : engine_(engine), plan_(engine.plan()), memory_(memory), bindings_(bindings) {}

  Status execute(RunReport* report, const Cancellation* cancellation);

 private:
  Status take_inputs();
  Status run_segment(size_t index, SegmentRun& record, const Cancellation* cancellation);
  void pass_time(size_t index, uint64_t since_ns) const;
  Status run_dla(size_t index, SegmentRun& record, const Cancellation* cancellation);
  /// Waits for the end of a task. A cancelled run waits for it as well, but not longer than kBorderWait.
  Status wait_for_border(const umd::Fence& fence, const Cancellation* cancellation);
  /// A cancelled run may have left a task that uses the working memory.
  Status settle();
  Status run_host(size_t index, SegmentRun& record, const Cancellation* cancellation);
  Status deliver(SegmentRun& record);
  Status deliver_one(const std::string& name, SegmentRun& record);

  /// The slice that the DLA reads for one input of a segment; filled by conversion unless handed over in
  /// place.
  Result<umd::BufferSlice> feed(size_t index, size_t input, SegmentRun& record);
  const DeviceValue* on_device(const compiler::DlaBinding& binding) const;
  Result<umd::BufferSlice> output_slice(size_t index, size_t output);
  /// The tensor row-major on the host, converted there if only the DLA has it.
  Result<const HostValue*> on_host(const std::string& tensor, SegmentRun& record);
  /// Where a row-major tensor of known size is to be made.
  Result<HostValue> place(const std::string& tensor);
  /// The input buffer of the DLA segment that reads the tensor, if its layout is the host's.
  Result<MutableBytes> shared_pages(const std::string& tensor);
  Result<std::shared_ptr<umd::Buffer>> import(const Binding& binding);
  const Binding* output_binding(const std::string& tensor) const;
  bool is_input(const std::string& tensor) const;

  const LoadedEngine& engine_;
  const compiler::Plan& plan_;
  WorkingMemory& memory_;
  const Bindings& bindings_;
  std::map<std::string, HostValue> host_;
  std::map<std::string, std::map<int, DeviceValue>> device_;  ///< By item of the batch.
};

/// Bytes of a device buffer as the CPU sees them.
Result<MutableBytes> mapped(const umd::BufferSlice& slice);

}  // namespace medlar::runtime
