// SPDX-License-Identifier: Apache-2.0
// A loadable in the device's memory, ready to run any number of times.
#pragma once

#include "loadable/loadable.hpp"
#include "umd/buffer.hpp"
#include "umd/fence.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace medlar::umd {

/// An input or output; its bind id is its position.
struct BindingInfo {
  std::string name;
  uint64_t bytes = 0;  ///< What a bound buffer must have.
  loadable::Tensor tensor;
};

/// Part of a buffer.
struct BufferSlice {
  std::shared_ptr<Buffer> buffer;
  uint64_t offset = 0;
};

/// What one run reads and writes, by bind id.
struct Bindings {
  std::vector<BufferSlice> inputs, outputs;
};

struct LoadOptions {
  bool contiguous = false;  ///< Allocate from CMA.
  std::vector<std::string> layers = {};  ///< Of the operations of the (only) device task, for errors; may be empty.
};

struct SubmitOptions {
  std::vector<Fence> wait_for;  ///< The run starts when all have signalled.
  std::chrono::nanoseconds timeout =
      std::chrono::nanoseconds(0);  ///< A task's modelled device time; 0: the driver's.
};

/// Thread-safe and reentrant: runs submitted from several threads execute one after the other, in the order
/// of their submission (they share the intermediate buffers). Copies share one load.
class LoadedModel {
 public:
  /// Allocates and fills the loadable's memories. Older descriptor layouts are brought to the current one.
  static Result<LoadedModel> load(std::shared_ptr<Context> context, loadable::Loadable loadable,
                                  const LoadOptions& options = {});

  const std::vector<BindingInfo>& inputs() const;
  const std::vector<BindingInfo>& outputs() const;
  /// Bind id of that name; the error lists the names that exist.
  Result<size_t> input_index(std::string_view name) const;
  Result<size_t> output_index(std::string_view name) const;
  const std::shared_ptr<Context>& context() const;
  /// Bytes of device memory that the load holds, without bindings.
  uint64_t device_bytes() const;
  /// True when some task runs on the host CPU (EMU).
  bool has_host_tasks() const;

  /// New buffers for every input and output.
  Result<Bindings> allocate_bindings(const BufferOptions& options = {}) const;

  /// Starts a run; returns at once. The fence keeps model and bindings alive.
  Result<Fence> submit(const Bindings& bindings, const SubmitOptions& options = {}) const;

 private:
  struct State;
  explicit LoadedModel(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace medlar::umd
