// SPDX-License-Identifier: Apache-2.0
// What the compiler hands to the engine file: segments in execution order, the tensors between them, and the report
// that accounts for every node of the user's model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "graph/graph.hpp"
#include "hw/config.hpp"

namespace medlar::compiler {

enum class Engine : uint8_t { kDla, kGpu, kCpu };
std::string_view engine_name(Engine engine);

/// A tensor at a segment's boundary. Host segments see it as `type` in row-major `shape`; a DLA segment sees a feature
/// cube of `precision` with real = scale * (stored - zero).
struct BoundaryTensor {
  std::string name;
  graph::DataType type = graph::DataType::kFloat32;
  graph::Shape shape;
};

/// How one DLA segment sees one of its inputs or outputs.
struct DlaBinding {
  std::string tensor;  ///< BoundaryTensor::name.
  int bind_id = 0;     ///< Of the loadable's memory list, inputs and outputs counted separately.
  hw::Precision precision = hw::Precision::kInt8;
  float scale = 1.0f;
  int zero = 0;  ///< INT8 only.
  int w = 1, h = 1, c = 1;
  uint32_t line_stride = 0, surface_stride = 0, bytes = 0;
  int item = 0;  ///< Of the batch: every item of a tensor is bound by itself.
  std::vector<float> channel_scale = {};  ///< Not empty: real = channel_scale[c] * scale * (stored - zero).
  int components = 0;  ///< Not 0: an image of so many interleaved components instead of a feature cube.
  bool channels_last = false;  ///< The host's rows hold the channels of each pixel together.
};

/// Bytes of a segment's memory, by class.
struct MemoryUse {
  uint64_t weights = 0;       ///< Constants; those that are equal count once.
  uint64_t input = 0, output = 0;
  uint64_t intermediate = 0;  ///< DRAM pool that the tensors in between share. Host segments: most bytes alive at one node.
  uint64_t intermediate_bound = 0;     ///< No allocation can be smaller.
  uint64_t intermediate_unshared = 0;  ///< What the pool would be if no memory were used twice.
  uint64_t sram = 0;                   ///< On-chip memory that intermediate tensors take instead of DRAM; not part of the pool.

  /// DRAM.
  uint64_t total() const { return weights + input + output + intermediate; }
  friend bool operator==(const MemoryUse&, const MemoryUse&) = default;
};

struct Segment {
  Engine engine = Engine::kCpu;
  std::string name;
  ByteBuffer payload;                 ///< NVDLA loadable (DLA) or serialised ONNX model (GPU, CPU).
  std::vector<std::string> inputs;    ///< BoundaryTensor names; DLA: one for each binding.
  std::vector<std::string> outputs;
  std::vector<DlaBinding> bindings_in, bindings_out;  ///< DLA only; same order as inputs, outputs.
  MemoryUse memory = {};
};

/// Where one node of the user's model runs, and why not on the DLA if it does not.
struct Placement {
  std::string node;
  std::string op_type;
  Engine engine = Engine::kCpu;
  int segment = -1;            ///< Index into Plan::segments; -1 when folded away (then `reason` says how).
  std::string precision;       ///< "int8", "fp16", "fp32", or "" when folded away.
  std::string reason_code;     ///< Stable id, e.g. "MDL2003"; empty on the DLA.
  std::string reason;          ///< Names the limit and the value.
  uint64_t macs = 0;
  uint64_t bytes = 0;          ///< Tensors and constants that it reads and writes, in the precision that it runs in.
  double seconds = 0.0;        ///< Modelled, on its engine, alone; 0 where nothing is known.
};

/// Work handed from one engine to another between two segments.
struct Transition {
  int from = 0, to = 0;              ///< Indices into Plan::segments.
  std::vector<std::string> tensors;  ///< What the second reads of what ran before on other engines.
  double seconds = 0.0;              ///< Modelled; 0 where nothing is known.
};

/// One hardware operation of a DLA segment, as emitted: ties ONNX nodes to operations of the loadable.
struct HwOpInfo {
  int segment = 0;
  int task_op = 0;  ///< Index of the operation in its task's operation list.
  std::string kind; ///< "CONV", "SDP", "PDP", "CDP", "RUBIK", "BDMA".
  std::string name;
  std::vector<std::string> origins;
  uint64_t macs = 0;
};

struct Plan {
  std::vector<BoundaryTensor> tensors;
  std::vector<std::string> inputs, outputs;  ///< Of the model, BoundaryTensor names.
  std::vector<Segment> segments;             ///< Execution order.
  std::vector<Placement> placements;         ///< Every node of the user's model, in its order.
  std::vector<HwOpInfo> hw_ops;
  std::vector<Transition> transitions;       ///< Between neighbouring segments.
};

}  // namespace medlar::compiler
