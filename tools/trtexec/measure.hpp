// SPDX-License-Identifier: Apache-2.0
// The inference phase: modelled queries on virtual time, and real ones on this computer beside them.
#pragma once

#include "api/profile.hpp"
#include "options.hpp"

namespace medlar::trtexec {

struct Measurement {
  api::Profiled profiled;
  // Modelled device time
  std::vector<double> compute_ms;  ///< A query.
  double h2d_ms = 0, d2h_ms = 0;   ///< The same for every query.
  uint64_t warm_up = 0;            ///< Queries before those.
  double seconds = 0;
  double throughput = 0;
  double dla_utilisation = 0;      ///< Of the core in use, 0 to 1.
  // Host time of this computer
  std::vector<double> host_ms, enqueue_ms;
  double host_seconds = 0;
  uint64_t device_bytes = 0;       ///< On the module: weights, intermediates, buffers of all streams.
  std::map<std::string, graph::Tensor> inputs;
};

Result<engine::Engine> build_engine(const Options& options);
Result<engine::Engine> load_engine(const Options& options, double& deserialise_ms);
Result<Measurement> measure(const Options& options, const engine::Engine& engine);

}  // namespace medlar::trtexec
