// SPDX-License-Identifier: Apache-2.0
// The composition root: a simulated module (chip, memory, kernel driver), an engine loaded on it, inferences.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "graph/graph.hpp"
#include "sample/source.hpp"

namespace medlar::api {

/// One layer of an inference. Modelled time is the device's; host time is this computer's. Never added to each other.
struct LayerTime {
  compiler::Engine engine = compiler::Engine::kCpu;
  int segment = 0;
  std::string name;                  ///< Hardware operation or host segment.
  std::vector<std::string> origins;  ///< ONNX nodes.
  double modelled_ms = 0;            ///< DLA only; 0 for host segments, which are not modelled.
  double host_ms = 0;                ///< Host segments only.
};

struct InferenceResult {
  std::map<std::string, graph::Tensor> outputs;
  std::vector<LayerTime> layers;
  double modelled_dla_ms = 0;  ///< Sum over the DLA's operations, as modelled.
  double host_ms = 0;          ///< What this computer took for the whole call.
};

/// An engine on a simulated device. One thread at a time.
class Inference {
 public:
  /// `device` empty: the one that the engine was built for; another one is kDeviceMismatch.
  static Result<Inference> create(engine::Engine engine, std::string_view device, std::string_view engine_name);
  Inference(Inference&&) noexcept;
  Inference& operator=(Inference&&) noexcept;
  ~Inference();

  const engine::Engine& engine() const;
  std::vector<sample::InputSpec> inputs() const;

  Result<InferenceResult> run(const std::map<std::string, graph::Tensor>& inputs);

 private:
  struct State;
  explicit Inference(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace medlar::api
