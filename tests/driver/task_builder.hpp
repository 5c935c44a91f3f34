// SPDX-License-Identifier: Apache-2.0
// Builds small tasks in plain memory, correct by default, for tests to break.
#pragma once

#include "driver/core/task.h"

#include <cstring>
#include <memory>
#include <vector>

namespace medlar::driver::test {

/// Address list: 0 network, 1 graph, 2 operations, 3 surfaces, 4 tables, 5 and up data buffers.
class TaskBuilder {
 public:
  static constexpr int16_t kFirstData = 5;
  static constexpr uint64_t kDataBytes = 1 << 16;

  explicit TaskBuilder(int buffers = 2) : buffers_(buffers) {
    for (int16_t& head : network.op_head) {
      head = -1;
    }
    network.dependency_graph_index = 1;
    network.operation_desc_index = 2;
    network.surface_desc_index = 3;
    network.lut_data_index = 4;
    network.roi_array_index = network.surface_index = network.stat_list_index = -1;
    network.num_rois = 1;
  }

  /// Appends an operation at the end of its engine's queue; consecutive ones wait for each other to be
  /// programmed.
  int16_t add(uint8_t type) {
    const auto index = static_cast<int16_t>(graph.size());
    nvdla_common_op_desc op{};
    op.op_type = type;
    for (nvdla_consumer& consumer : op.consumers) {
      consumer.index = -1;
    }
    op.fused_parent.index = -1;
    graph.push_back(op);
    ops.push_back({});
    surfaces.push_back({});
    if (network.op_head[type] < 0) {
      network.op_head[type] = index;
    } else {
      link(last_[type], index, NVDLA_EVENT_OP_PROGRAMMED);
    }
    last_[type] = index;
    return index;
  }

  /// `to` waits for an event of `from`.
  void link(int16_t from, int16_t to, uint8_t event) {
    nvdla_consumer& edge = graph[from].consumers[graph[to].op_type];
    edge.index = to;
    edge.event = event;
    ++graph[to].dependency_count;
  }
  /// The on-the-fly pair: downstream starts when programmed, upstream when downstream has started.
  void fuse(int16_t upstream, int16_t downstream) {
    link(upstream, downstream, NVDLA_EVENT_OP_PROGRAMMED);
    graph[downstream].fused_parent.index = upstream;
    graph[downstream].fused_parent.event = NVDLA_EVENT_OP_ENABLED;
    ++graph[upstream].dependency_count;
  }

  static nvdla_data_cube cube(int16_t address, uint16_t w, uint16_t h, uint16_t c, uint32_t element_bytes = 1,
                              uint32_t atom = 32) {
    nvdla_data_cube cube{};
    cube.address = address;
    cube.width = w;
    cube.height = h;
    cube.channel = c;
    cube.line_stride = w * atom;
    cube.surf_stride = cube.line_stride * h;
    cube.size = (c * element_bytes + atom - 1) / atom * cube.surf_stride;
    return cube;
  }
  static nvdla_data_cube flying(uint16_t w, uint16_t h, uint16_t c) {
    nvdla_data_cube result = cube(-1, w, h, c);
    result.type = NVDLA_MEM_TYPE_HW;
    return result;
  }

  int16_t add_sdp(nvdla_data_cube src, nvdla_data_cube dst) {
    const int16_t index = add(NVDLA_OP_TYPE_SDP);
    nvdla_sdp_op_desc& op = ops[index].sdp_op;
    op.lut_index = -1;
    op.batch_num = 1;
    op.out_cvt.scale = 1;
    surfaces[index].sdp_surface.src_data = src;
    surfaces[index].sdp_surface.dst_data = dst;
    return index;
  }
  int16_t add_sdp() { return add_sdp(cube(5, 8, 8, 32), cube(6, 8, 8, 32)); }

  int16_t add_pdp(nvdla_data_cube src, nvdla_data_cube dst) {
    const int16_t index = add(NVDLA_OP_TYPE_PDP);
    nvdla_pdp_op_desc& op = ops[index].pdp_op;
    op.split_num = 1;
    op.pool_width = op.pool_height = 1;
    op.stride_x = op.stride_y = 2;
    op.pool_mode = NVDLA_POOL_MODE_MAX;
    surfaces[index].pdp_surface.src_data = src;
    surfaces[index].pdp_surface.dst_data = dst;
    return index;
  }

  /// 3x3 convolution of 8x8x32 to 8x8x32, INT8.
  int16_t add_conv() {
    const int16_t index = add(NVDLA_OP_TYPE_CONV);
    nvdla_conv_op_desc& op = ops[index].conv_op;
    op.data_format = NVDLA_DATA_FORMAT_FEATURE;
    op.entry_per_slice = 4;
    op.fetch_grain = op.batch = 1;
    op.data_bank = op.weight_bank = 1;
    op.release = 8;
    op.input_width_csc = op.input_height_csc = op.input_width_cmac = op.input_height_cmac = 8;
    op.input_channel_csc = op.kernel_channel_csc = 32;
    op.kernel_width_csc = op.kernel_height_csc = 3;
    op.bytes_per_kernel = 9 * 32;
    op.conv_stride_x = op.conv_stride_y = op.dilation_x = op.dilation_y = 1;
    op.pad_x_left = op.pad_x_right = op.pad_y_top = op.pad_y_bottom = 1;
    op.out_cvt.scale = 1;
    nvdla_conv_surface_desc& surface = surfaces[index].conv_surface;
    surface.src_data = cube(5, 8, 8, 32);
    surface.weight_data = cube(6, 3, 3, 32);
    surface.weight_data.size = 9 * 32 * 32;
    surface.dst_data = flying(8, 8, 32);
    return index;
  }

  /// Valid until the builder changes.
  dla_request request() {
    network.num_operations = static_cast<uint16_t>(graph.size());
    network.num_luts = static_cast<uint16_t>(luts.size());
    network.num_addresses = static_cast<uint16_t>(kFirstData + buffers_);
    addresses.clear();
    put(&network, sizeof network);
    put(graph.data(), graph.size() * sizeof graph[0]);
    put(ops.data(), ops.size() * sizeof ops[0]);
    put(surfaces.data(), surfaces.size() * sizeof surfaces[0]);
    put(luts.data(), luts.size() * sizeof(nvdla_lut_param));
    for (int i = 0; i < buffers_; ++i) {
      addresses.push_back({.buffer = data_.data(),
                           .iova = 0x1000'0000u + static_cast<uint64_t>(i) * 2 * kDataBytes,
                           .bytes = kDataBytes,
                           .offset = 0,
                           .sram = false,
                           .writable = true});
    }
    return {.addresses = addresses.data(),
            .num_addresses = static_cast<uint32_t>(addresses.size()),
            .timeout_ns = 0};
  }

  nvdla_network_desc network{};
  std::vector<nvdla_common_op_desc> graph;
  std::vector<nvdla_op_container> ops;
  std::vector<nvdla_surface_container> surfaces;
  std::vector<nvdla_lut_param> luts;
  std::vector<dla_address> addresses;

 private:
  void put(void* data, size_t bytes) {
    addresses.push_back(
        {.buffer = data, .iova = 0, .bytes = bytes, .offset = 0, .sram = false, .writable = true});
  }
  int buffers_;
  std::vector<uint8_t> data_ = std::vector<uint8_t>(kDataBytes);
  int16_t last_[DLA_ENGINES]{};
};

}  // namespace medlar::driver::test
