// SPDX-License-Identifier: Apache-2.0
// The host engine: an ONNX model run by ONNX Runtime on this machine's CPU (or its GPU, where the library has CUDA).
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "graph/graph.hpp"

namespace medlar::host {

enum class Provider : uint8_t { kAuto, kCpu, kCuda };

struct SessionOptions {
  Provider provider = Provider::kCpu;
  int threads = 0;        ///< 0: the machine's. Results do not depend on it beyond float summation order inside kernels.
  bool optimise = true;   ///< False runs the graph node by node as written (reference runs, constant folding).
};

/// A tensor of the caller's memory: row-major elements of `type` and `shape`; run() reads or writes it in place.
struct TensorRef {
  graph::DataType type = graph::DataType::kFloat32;
  graph::Shape shape;
  std::span<uint8_t> bytes;
};

struct TensorInfo {
  std::string name;
  graph::DataType type = graph::DataType::kUndefined;
  graph::Shape shape;  ///< kUnknownDim where the model leaves it open.
};

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
  Provider provider() const;

  /// Runs on owned tensors; outputs in the model's order (or those named in `wanted`).
  Result<std::vector<graph::Tensor>> run(const std::map<std::string, const graph::Tensor*>& inputs,
                                         const std::vector<std::string>& wanted = {}) const;

  /// Runs in place on the caller's memory, without a copy: every output's shape must be known beforehand.
  Status run_in_place(const std::map<std::string, TensorRef>& inputs, const std::map<std::string, TensorRef>& outputs) const;

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace medlar::host
