// SPDX-License-Identifier: Apache-2.0
#include "runtime/segment.hpp"

namespace medlar::runtime {
namespace {

host::TensorRef ref(graph::Tensor& tensor) {
  return {tensor.type, tensor.shape, tensor.bytes};
}

}  // namespace

Result<HostSegment> HostSegment::load(const compiler::Segment& segment) {
  MEDLAR_ASSIGN(host::Session session,
                host::Session::create(segment.payload, "segment '" + segment.name + "'", {.provider = host::Provider::kCpu}));
  return HostSegment{std::move(session)};
}

Status HostSegment::run(const compiler::Segment& segment, Blackboard& board, SegmentRun& record) {
  for (const std::string& name : segment.inputs) {
    MEDLAR_TRY(bring_to_host(name, board, record));
  }
  // In place on the tensors between the segments, unless some output's shape is known only afterwards.
  bool shapes_known = true;
  for (const std::string& name : segment.outputs) {
    shapes_known = shapes_known && !board.tensors.at(name).bytes.empty();
  }
  if (shapes_known) {
    std::map<std::string, host::TensorRef> inputs, outputs;
    for (const std::string& name : segment.inputs) {
      inputs.emplace(name, ref(board.tensors.at(name)));
    }
    for (const std::string& name : segment.outputs) {
      outputs.emplace(name, ref(board.tensors.at(name)));
    }
    return session.run_in_place(inputs, outputs);
  }
  std::map<std::string, const graph::Tensor*> inputs;
  for (const std::string& name : segment.inputs) {
    inputs.emplace(name, &board.tensors.at(name));
  }
  MEDLAR_ASSIGN(std::vector<graph::Tensor> values, session.run(inputs, segment.outputs));
  for (size_t i = 0; i < values.size(); ++i) {
    board.tensors[segment.outputs[i]] = std::move(values[i]);
  }
  return {};
}

}  // namespace medlar::runtime
