// SPDX-License-Identifier: Apache-2.0
// What the layers of one run took: the DLA's operations as modelled, host segments as this computer ran them.
#pragma once

#include <string>
#include <vector>

#include "compiler/plan.hpp"
#include "profile/recorder.hpp"
#include "runtime/report.hpp"

namespace medlar::api {

/// One layer of an inference. Modelled time is the device's; host time is this computer's. Never added to
/// each other.
struct LayerTime {
  compiler::Engine engine = compiler::Engine::kCpu;
  int segment = 0;
  std::string name;                  ///< Hardware operation or host segment.
  std::vector<std::string> origins;  ///< ONNX nodes.
  double modelled_ms = 0;            ///< DLA only; 0 for host segments, which are not modelled.
  double host_ms = 0;                ///< Host segments only.
  std::string unit = {};             ///< DLA: "CONV+SDP".
};

/// In order of execution. Takes the run's operations out of `recorder`.
std::vector<LayerTime> layer_times(const runtime::RunReport& report, const compiler::Plan& plan, profile::Recorder& recorder);

}  // namespace medlar::api
