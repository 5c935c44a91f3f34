// SPDX-License-Identifier: Apache-2.0
// The host engine: an ONNX model run by ONNX Runtime on this machine's CPU (or its GPU, where the library has
// CUDA).
#pragma once

#include "base/bytes.hpp"
#include "graph/graph.hpp"

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace medlar::host {

/// Threads of runs whose results become part of an engine (calibration, references): fixed, because the order of float
/// additions inside a kernel follows the count, and an engine must not depend on the machine.
inline constexpr int kReferenceThreads = 2;

enum class Provider : uint8_t { kAuto, kCpu, kCuda };

/// "CPU", "CUDA", "automatic".
std::string_view provider_name(Provider provider);

struct SessionOptions {
  /// kAuto takes CUDA where ONNX Runtime's library has it and a GPU answers, else the CPU; kCuda is an error
  /// without.
  Provider provider = Provider::kCpu;
  int threads =
      0;  ///< 0: the machine's. Results do not depend on it beyond float summation order inside kernels.
  bool optimise = true;  ///< False runs the graph node by node as written (reference runs, constant folding).
};

/// A tensor of the caller's memory: row-major elements of `type` and `shape`; run() reads or writes it in
/// place.
struct TensorRef {
  graph::DataType type = graph::DataType::kFloat32;
  graph::Shape shape;
  std::span<uint8_t> bytes = {};
  std::span<const std::string> strings = {};  ///< Elements of a string tensor, inputs only; `bytes` is empty then.
};

struct TensorInfo {
  std::string name;
  graph::DataType type = graph::DataType::kUndefined;
  graph::Shape shape;  ///< kUnknownDim where the model leaves it open.
};

/// Stops runs that carry it, at the next node of their models. Thread-safe; once cancelled it stays so.
class RunToken {
 public:
  RunToken();
  ~RunToken();
  RunToken(const RunToken&) = delete;
  RunToken& operator=(const RunToken&) = delete;
  void cancel();
  bool cancelled() const;

 private:
  friend class Session;
  struct State;
  std::unique_ptr<State> state_;
};

/// Execution providers that the linked ONNX Runtime was built with, its own names.
std::vector<std::string> available_providers();

/// One loaded model. Thread-safe: run() may be called from several threads.
class Session {
 public:
  /// `name` appears in errors. kCorrupt or kUnsupported carries ONNX Runtime's own words.
  static Result<Session> create(ByteView model, std::string name, const SessionOptions& options);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;
  Provider provider() const;  ///< What it runs on; never kAuto.
  /// "CUDA" or "CPU", and after kAuto took the CPU the reason why.
  std::string provider_note() const;

  /// Runs on owned tensors; outputs in the model's order (or those named in `wanted`).
  Result<std::vector<graph::Tensor>> run(const std::map<std::string, const graph::Tensor*>& inputs,
                                         const std::vector<std::string>& wanted = {}) const;

  /// The same on inputs in the caller's memory. kCancelled after token->cancel().
  Result<std::vector<graph::Tensor>> run_refs(const std::map<std::string, TensorRef>& inputs,
                                              const std::vector<std::string>& wanted = {},
                                              const RunToken* token = nullptr) const;

  /// Runs in place on the caller's memory, without a copy: every output's shape must be known beforehand.
  Status run_in_place(const std::map<std::string, TensorRef>& inputs,
                      const std::map<std::string, TensorRef>& outputs, const RunToken* token = nullptr) const;

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace medlar::host
