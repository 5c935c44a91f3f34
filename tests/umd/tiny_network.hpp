// SPDX-License-Identifier: Apache-2.0
// The smallest loadables that do something: BDMA copies input to output.
#pragma once

#include "hw/gen/descriptors.hpp"
#include "loadable/builder.hpp"

namespace medlar::test {

inline constexpr uint32_t kTinyBytes = 32;

/// Copies as many atoms as both tensors have bytes for.
inline loadable::Loadable copying_network(loadable::Tensor in, loadable::Tensor out) {
  const auto bytes_bound = static_cast<uint32_t>(in.size);
  loadable::Description d;
  d.inputs = {{std::move(in), bytes_bound}};
  d.outputs = {{std::move(out), bytes_bound}};
  const auto plan = loadable::plan_addresses(d).value();
  loadable::DlaTask task{.num_operations = 1, .op_head = {0, -1, -1, -1, -1, -1}};
  hw::CommonOpDesc dep{};
  dep.op_type = NVDLA_OP_TYPE_BDMA;
  for (auto& consumer : dep.consumers) {
    consumer.index = -1;
  }
  dep.fused_parent.index = -1;
  hw::OpContainer op{};
  op.bdma_op.num_transfers = 1;
  hw::SurfaceContainer surface{};
  surface.bdma_surface.num_transfers = 1;
  surface.bdma_surface.transfers[0] = {.source_address = plan.inputs[0],
                                       .destination_address = plan.outputs[0],
                                       .line_size = kTinyBytes,
                                       .line_repeat = bytes_bound / kTinyBytes,
                                       .source_line = kTinyBytes,
                                       .destination_line = kTinyBytes,
                                       .surface_repeat = 1,
                                       .source_surface = bytes_bound,
                                       .destination_surface = bytes_bound};
  const auto bytes = [](const auto& value) {
    const auto* from = reinterpret_cast<const uint8_t*>(&value);
    return ByteBuffer(from, from + sizeof(value));
  };
  task.dep_graph = bytes(dep);
  task.op_list = bytes(op);
  task.surf_list = bytes(surface);
  d.tasks = {task};
  return loadable::build(d).value();
}

inline loadable::Loadable tiny_network() {
  loadable::Tensor tensor{.name = "in", .size = kTinyBytes, .c = 32, .h = 1, .w = 1, .strides = {1, kTinyBytes, kTinyBytes}};
  loadable::Tensor out = tensor;
  out.name = "out";
  return copying_network(std::move(tensor), std::move(out));
}

}  // namespace medlar::test
