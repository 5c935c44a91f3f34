// SPDX-License-Identifier: Apache-2.0
#include "api/layer_times.hpp"

#include "api/public/placement.hpp"
#include "api/public/runtime_state.hpp"

namespace medlar::door {

std::vector<LayerTime> layer_times(const runtime::RunReport& report, const compiler::Plan& plan,
                                   profile::Recorder& recorder) {
  std::vector<LayerTime> layers;
  for (api::LayerTime& layer : api::layer_times(report, plan, recorder)) {
    layers.push_back({.name = std::move(layer.name),
                      .placed = placed_on(layer.engine),
                      .onnxNodes = std::move(layer.origins),
                      .modelledMs = layer.modelled_ms,
                      .hostMs = layer.host_ms});
  }
  return layers;
}

}  // namespace medlar::door
