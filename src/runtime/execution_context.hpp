// SPDX-License-Identifier: Apache-2.0
// One inference's worth of working memory on a loaded engine. Many contexts share one engine's weights.
#pragma once

#include "runtime/binding.hpp"
#include "runtime/loaded_engine.hpp"
#include "runtime/report.hpp"

#include <memory>
#include <mutex>

namespace medlar::runtime {

/// Asks running work to stop: at the next border between segments, or inside ONNX Runtime at the next node. A
/// task that the DLA has begun is waited for (the driver's timeout bounds it), since it writes to the
/// caller's memory. Thread-safe.
class Cancellation {
 public:
  void request() { token_.cancel(); }
  bool requested() const { return token_.cancelled(); }
  const host::RunToken& token() const { return token_; }

 private:
  host::RunToken token_;
};

/// Thread-safe: runs on one context exclude each other; runs on different contexts go side by side. What a
/// run computes depends on its bindings alone.
class ExecutionContext {
 public:
  static Result<std::shared_ptr<ExecutionContext>> create(std::shared_ptr<const LoadedEngine> engine);
  ~ExecutionContext();
  ExecutionContext(const ExecutionContext&) = delete;
  ExecutionContext& operator=(const ExecutionContext&) = delete;

  const LoadedEngine& engine() const;
  uint64_t device_bytes() const;  ///< Of its own buffers.

  /// Every input and output bound, each with memory enough. Checked by run() too; here to fail before
  /// queueing.
  Status check(const Bindings& bindings) const;

  /// Runs to the end. Outputs lie where they were bound.
  Status run(const Bindings& bindings, RunReport* report = nullptr,
             const Cancellation* cancellation = nullptr);

  /// The same for whole tensors.
  Result<TensorMap> run(const TensorMap& inputs, RunReport* report = nullptr);

 private:
  struct State;
  explicit ExecutionContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace medlar::runtime
