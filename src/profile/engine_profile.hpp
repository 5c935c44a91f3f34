// SPDX-License-Identifier: Apache-2.0
// The per-layer truth about one inference of an engine: where each layer ran, its modelled time, what it
// computed and moved, and what bounded it. Plain data; all times are modelled unless they are called host
// times.
#pragma once

#include "engine/engine.hpp"
#include "profile/recorder.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace medlar::profile {

struct LayerProfile {
  compiler::Engine engine = compiler::Engine::kDla;
  int segment = 0;
  std::string name;                  ///< Hardware operation, or the ONNX node of a host segment.
  std::string unit;                  ///< DLA: "CONV+SDP"; host: the ONNX operator.
  std::vector<std::string> origins;  ///< ONNX nodes.
  double start_ms = 0;               ///< From the inference's start.
  double ms = 0;
  double load_ms = 0;  ///< DLA: part of it before the first result.
  uint64_t macs = 0;
  double utilisation = 0;  ///< Of the peak multiply-accumulates, 0 to 1.
  uint64_t dram_bytes = 0;
  uint64_t sram_bytes = 0;
  std::string bound;  ///< "mac", "load", "memory", ...; host: "compute" or "memory".
  double joules = 0;  ///< Of the engine, without DRAM.
};

struct SegmentProfile {
  compiler::Engine engine = compiler::Engine::kDla;
  std::string name;
  double transition_ms = 0;  ///< Before it starts: from the engine before, 0 on the same one.
  double submit_ms = 0;      ///< DLA: software around the task, before its first layer.
  double start_ms = 0;
  double ms = 0;
  uint64_t dram_bytes = 0;
  double joules = 0;
  double host_ms = 0;  ///< Time that this computer took.
};

struct EngineProfile {
  std::string model, device, label, mode, precision;
  std::vector<LayerProfile> layers;  ///< In order of execution.
  std::vector<SegmentProfile> segments;
  double total_ms =
      0;  ///< Latency of one inference: transitions, submissions and segments, one after the other.
  double dla_ms = 0, gpu_ms = 0, cpu_ms = 0, transition_ms = 0, submit_ms = 0;
  double host_ms = 0;      ///< What this computer took; 0 when nothing was run.
  double utilisation = 0;  ///< Of the DLA's multiply-accumulates while the DLA works.
  uint64_t dram_bytes = 0, sram_bytes = 0, macs = 0;
  double joules = 0;  ///< Engines and DRAM.
  double dram_joules = 0;
  size_t transitions = 0;
  size_t nodes = 0, dla_nodes = 0;
  double dla_share() const { return total_ms == 0 ? 0 : dla_ms / total_ms; }  ///< Of the inference's time.
};

/// The operations of one segment's run, as the recorder collected them, and the host time of the segment.
struct SegmentRecord {
  int segment = 0;
  std::vector<RecordedOp> ops;
  double host_seconds = 0;
};

/// `records`: one for each segment that ran. DLA layers have the times of their registers; layers of host
/// segments have those of the plan, or of the module's roofline where the plan knows none.
EngineProfile make_profile(const engine::Engine& engine, const hw::DeviceProfile& device,
                           const hw::PowerMode& mode, const std::vector<SegmentRecord>& records);

/// Work on one host engine of the module, by its roofline.
struct HostEstimate {
  double ms = 0;
  double joules = 0;
  uint64_t dram_bytes = 0;
};
/// The whole model, or one segment's nodes wherever they were placed; empty where the module has no such
/// engine. Elementwise operators are taken to run behind the operator before them.
std::optional<HostEstimate> whole_model_on(const engine::Engine& engine, const hw::DeviceProfile& device,
                                           const hw::PowerMode& mode, compiler::Engine host);
std::optional<HostEstimate> segment_on(const engine::Engine& engine, const hw::DeviceProfile& device,
                                       const hw::PowerMode& mode, compiler::Engine host, int segment);

std::string profile_to_text(const EngineProfile& profile);
std::string profile_to_json(const EngineProfile& profile);

}  // namespace medlar::profile
