// SPDX-License-Identifier: Apache-2.0
// One loaded segment, whichever engine runs it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/plan.hpp"
#include "host/session.hpp"
#include "runtime/executor.hpp"
#include "umd/model.hpp"

namespace medlar::runtime {

/// A tensor as the DLA left it. A following DLA segment takes it in place; the host's copy is made when one is wanted.
struct DeviceCube {
  umd::BufferSlice slice;
  loadable::Tensor layout;
  float scale = 1.0f;
  bool on_host = false;  ///< Blackboard::tensors holds it too.
};

/// Tensors between segments, in host memory, and those that (also) lie on the device.
struct Blackboard {
  TensorMap tensors;
  std::map<std::string, DeviceCube> cubes;
};

/// Makes sure that Blackboard::tensors holds what the DLA computed; records the conversion if one was needed.
Status bring_to_host(const std::string& tensor, Blackboard& board, SegmentRun& record);

/// A DLA segment: the loadable in device memory and buffers for its inputs and outputs.
struct DlaSegment {
  umd::LoadedModel model;
  umd::Bindings own;  ///< Buffers allocated for it; inputs may be replaced by another segment's output for a run.

  static Result<DlaSegment> load(const compiler::Segment& segment, const std::shared_ptr<umd::Context>& context);
  Status run(const compiler::Segment& segment, Blackboard& board, SegmentRun& record);
};

/// A host segment: ONNX Runtime.
struct HostSegment {
  host::Session session;

  static Result<HostSegment> load(const compiler::Segment& segment);
  Status run(const compiler::Segment& segment, Blackboard& board, SegmentRun& record);
};

}  // namespace medlar::runtime
