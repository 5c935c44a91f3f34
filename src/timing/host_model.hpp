// SPDX-License-Identifier: Apache-2.0
// Modelled time of work on a module's GPU or CPU, and of handing work between engines. Rooflines over the
// rates of the device profile: pure functions, always "modelled", never host time.
#pragma once

#include "base/status.hpp"
#include "graph/graph.hpp"
#include "hw/device.hpp"

#include <cstdint>
#include <string_view>

namespace medlar::timing {

enum class HostEngine : uint8_t { kGpu, kCpu };
enum class HostPrecision : uint8_t { kInt8, kFp16, kFp32 };
/// Everything that can hold a segment.
enum class Engine : uint8_t { kDla, kGpu, kCpu };

/// "gpu", "cpu".
std::string_view host_engine_name(HostEngine engine);
/// "dla", "gpu", "cpu".
std::string_view engine_name(Engine engine);

/// What one kernel, or several one after the other, computes and moves.
struct HostWork {
  double macs = 0;      ///< Multiply-accumulates of convolutions and matrix products.
  double elements = 0;  ///< Elementwise operations.
  double bytes_read = 0;
  double bytes_written = 0;
  uint32_t launches = 0;                           ///< Kernels started.
  HostPrecision precision = HostPrecision::kFp32;  ///< Of the multiply-accumulates.

  friend bool operator==(const HostWork&, const HostWork&) = default;
};

/// Seconds of `work` on the engine alone: its launches, and the slowest of arithmetic, elementwise operations
/// and DRAM. Work of several kernels is best summed kernel by kernel, since each has its own bound. Infinite
/// where the module has no such engine. `dram_fraction` is the share of the DRAM bandwidth left beside other
/// engines (contention.hpp).
double host_seconds(const hw::DeviceProfile& device, const hw::PowerMode& mode, HostEngine engine,
                    const HostWork& work, double dram_fraction = 1);
double host_seconds(const hw::DeviceProfile& device, HostEngine engine, const HostWork& work);

/// Whether the module has the engine at all in this mode.
bool has_engine(const hw::DeviceProfile& device, const hw::PowerMode& mode, HostEngine engine);

/// Seconds between the end of a segment on `from` and the start of the next on `to`, with `bytes` of tensors
/// handed over in place: the profile's least for the fences, more in proportion to the bytes whose cache
/// lines are written back (its typical value at kTypicalTransitionBytes), never more than its most. 0 on one
/// and the same engine.
double transition_seconds(const hw::DeviceProfile& device, Engine from, Engine to, uint64_t bytes);
inline constexpr uint64_t kTypicalTransitionBytes = 1u << 20;  // [assumed] a 512-channel 32 x 32 FP16 tensor

/// Work of one ONNX node from the shapes of its values. Views (Reshape, Identity, ...) are free; an operator
/// with a nested graph counts its inputs and outputs only. Floating tensors move in `precision`. kUnsupported
/// names the value whose shape is not known.
Result<HostWork> host_work_of(const graph::Graph& graph, const graph::Node& node, HostPrecision precision);

/// Sum of the seconds of all nodes of a graph, kernel by kernel.
Result<double> host_graph_seconds(const hw::DeviceProfile& device, const hw::PowerMode& mode,
                                  HostEngine engine, const graph::Graph& graph, HostPrecision precision);

}  // namespace medlar::timing
