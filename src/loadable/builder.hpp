// SPDX-License-Identifier: Apache-2.0
// Assembles a loadable the way NVIDIA's compiler does: fixed order of memories, addresses, tasks and events,
// official blob names and versions. In two steps, because descriptors contain address ids:
//   1. describe constants, pool sizes and bindable tensors; plan_addresses() says which ids they get;
//   2. fill `tasks` with descriptor bytes that use those ids (data_cube.address, data_cube.offset); build().
#pragma once

#include "loadable/loadable.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace medlar::loadable {

/// An input or output of the network. `memory`, `size` and `offset` of `tensor` are filled by build().
struct Bindable {
  Tensor tensor{};
  uint64_t bytes = 0;  ///< Size of the buffer to bind.
};

/// One DLA task: lists as the firmware reads them, interface 0.12 (32-byte cubes).
struct DlaTask {
  uint16_t num_operations = 0;
  std::array<int16_t, 6> op_head{-1, -1, -1, -1, -1, -1};  ///< First op of BDMA, CONV, SDP, PDP, CDP, RUBIK.
  ByteBuffer dep_graph{};                                  ///< 36 bytes an operation.
  ByteBuffer op_list{};                                    ///< 116 bytes an operation.
  ByteBuffer surf_list{};                                  ///< 644 bytes an operation.
  ByteBuffer lut_list{};                                   ///< 700 bytes a table; may be empty.
  int16_t input_layer = 0;
};

/// One CPU task.
struct EmuTask {
  uint16_t num_operations = 0;
  ByteBuffer op_list{};      ///< 24 bytes an operation.
  ByteBuffer op_buf_list{};  ///< 512 bytes an operation.
};

using TaskDescription = std::variant<DlaTask, EmuTask>;

struct Description {
  std::vector<ByteBuffer> constants{};  ///< Weights, biases, operands, in the order of their blobs tb-<n>.
  uint32_t constant_alignment = kPageBytes;   ///< Of each constant inside the constant pool; a power of two.
  uint64_t activation_bytes = 0;              ///< Size of the DRAM pool that holds intermediate tensors.
  uint64_t sram_bytes = 0;                    ///< Size of the SRAM pool.
  std::vector<Bindable> inputs{}, outputs{};  ///< Bind id = position.
  std::vector<TaskDescription> tasks{};       ///< Run one after the other.
};

/// Global address ids, which are also what data_cube.address holds in every task. -1: there is no such pool.
struct AddressPlan {
  int16_t constants = -1;
  int16_t activations = -1;
  int16_t sram = -1;
  std::vector<int16_t> inputs, outputs;
  std::vector<uint64_t> constant_offsets;  ///< data_cube.offset of each constant inside the constant pool.
  int16_t count = 0;                       ///< Instruction addresses: ids 1 to count.
};

/// Needs everything but `tasks`.
Result<AddressPlan> plan_addresses(const Description& description);

/// The finished, verified loadable. Relocations are derived: two (line and surface stride) for each cube of a
/// surface list that lies in a bindable buffer.
Result<Loadable> build(const Description& description);

}  // namespace medlar::loadable
