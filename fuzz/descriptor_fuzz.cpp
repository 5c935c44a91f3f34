// SPDX-License-Identifier: Apache-2.0
// Any descriptors: refused, failed with a reason, or run; afterwards the device copies correctly.
#include "fuzz/module.hpp"
#include "hw/gen/nvdla_desc.h"

#include <array>
#include <vector>

namespace {

using medlar::fuzz::Input;
using medlar::fuzz::require;

constexpr uint64_t kDataBytes = 16384;
constexpr int kLists = 5, kData = 4;  // network, graph, operations, surfaces, tables; then data buffers

struct Buffer {
  uint32_t handle = 0;
  std::span<uint8_t> bytes;
};

class Device {
 public:
  explicit Device(const char* profile) : kernel_(medlar::fuzz::small_kernel(profile, 1)), calls_{*kernel_->seam()} {
    fd_ = calls_.open("nvhost-nvdla0");
    medlar_context context{};
    require(calls_.call(fd_, MEDLAR_CREATE_CONTEXT, context) == 0);
    context_ = context.context;
    medlar_loadable loadable{};
    loadable.context = context_;
    require(calls_.call(fd_, MEDLAR_ADD_LOADABLE, loadable) == 0);
    loadable_ = loadable.loadable;
    for (int i = 0; i < kLists + kData; ++i) {
      buffers.push_back(create());
    }
  }

  /// The task's status, or why it was refused.
  int run() {
    std::vector<medlar_address> addresses;
    for (const Buffer& buffer : buffers) {
      addresses.push_back({buffer.handle, 0, 0});
    }
    medlar_submit submit{};
    submit.context = context_;
    submit.loadable = loadable_;
    submit.addresses = reinterpret_cast<uint64_t>(addresses.data());
    submit.num_addresses = static_cast<uint32_t>(addresses.size());
    submit.address_size = sizeof(medlar_address);
    const int error = calls_.call(fd_, MEDLAR_SUBMIT, submit);
    if (error != 0) {
      return error;
    }
    medlar_wait_fence wait{};
    wait.fence = submit.out_fence;
    wait.timeout_ns = -1;
    require(calls_.call(fd_, MEDLAR_WAIT_FENCE, wait) == 0);
    require(calls_.close(submit.out_fence) == 0);
    return wait.status;
  }

  /// A failure says why.
  void require_reason(int status) {
    medlar_query_error error{};
    require(calls_.call(fd_, MEDLAR_QUERY_ERROR, error) == 0);
    require(error.error == status && error.kind != MEDLAR_ERROR_NONE && error.message[0] != '\0');
  }

  std::vector<Buffer> buffers;

 private:
  Buffer create() {
    medlar_buffer args{};
    args.context = context_;
    args.size = kDataBytes;
    require(calls_.call(fd_, MEDLAR_CREATE_BUFFER, args) == 0);
    require(calls_.call(fd_, MEDLAR_MAP_BUFFER, args) == 0);
    void* mapped = calls_.kernel.map(calls_.kernel.self, fd_, args.map_offset, args.size);
    require(mapped != nullptr);
    return {args.handle, {static_cast<uint8_t*>(mapped), args.size}};
  }

  std::unique_ptr<medlar::driver::Kernel> kernel_;
  medlar::fuzz::Calls calls_;
  int fd_ = -1;
  uint32_t context_ = 0, loadable_ = 0;
};

template <typename T>
void put(Device& device, int buffer, const std::vector<T>& list) {
  const auto& bytes = device.buffers[static_cast<size_t>(buffer)].bytes;
  std::memcpy(bytes.data(), list.data(), std::min(list.size() * sizeof(T), bytes.size()));
}

nvdla_data_cube cube(int16_t address, uint32_t atom) {
  nvdla_data_cube c{};
  c.address = address;
  c.width = c.height = 8;
  c.channel = static_cast<uint16_t>(atom);
  c.line_stride = 8 * atom;
  c.surf_stride = c.line_stride * 8;
  c.size = c.surf_stride;
  return c;
}

struct Task {
  std::vector<nvdla_common_op_desc> graph;
  std::vector<nvdla_op_container> ops;
  std::vector<nvdla_surface_container> surfaces;
  std::vector<nvdla_lut_param> luts = std::vector<nvdla_lut_param>(1);
  nvdla_network_desc network{};

  explicit Task(Input& input, uint32_t atom) {
    std::fill(std::begin(network.op_head), std::end(network.op_head), int16_t{-1});
    network.dependency_graph_index = 1;
    network.operation_desc_index = 2;
    network.surface_desc_index = 3;
    network.lut_data_index = 4;
    network.roi_array_index = network.surface_index = network.stat_list_index = -1;
    network.num_rois = 1;
    network.num_luts = 1;
    network.num_addresses = kLists + kData;
    std::array<int16_t, NVDLA_OP_COUNT> last;
    last.fill(-1);
    for (uint32_t n = input.choose(5) + 1; n > 0; --n) {
      add(static_cast<uint8_t>(input.choose(NVDLA_OP_COUNT)), atom, last);
    }
    network.num_operations = static_cast<uint16_t>(graph.size());
  }

  void add(uint8_t type, uint32_t atom, std::array<int16_t, NVDLA_OP_COUNT>& last) {
    const auto index = static_cast<int16_t>(graph.size());
    nvdla_common_op_desc op{};
    op.op_type = type;
    for (nvdla_consumer& consumer : op.consumers) {
      consumer.index = -1;
    }
    op.fused_parent.index = -1;
    if (last[type] < 0) {
      network.op_head[type] = index;
    } else {
      graph[static_cast<size_t>(last[type])].consumers[type] = {index, NVDLA_EVENT_OP_PROGRAMMED, 0};
      op.dependency_count = 1;
    }
    last[type] = index;
    graph.push_back(op);
    ops.push_back({});
    surfaces.push_back({});
    shape(type, atom);
  }

  void shape(uint8_t type, uint32_t atom) {
    nvdla_op_container& op = ops.back();
    nvdla_surface_container& surface = surfaces.back();
    const nvdla_data_cube src = cube(kLists, atom), dst = cube(static_cast<int16_t>(kLists + 1 + type % 3), atom);
    if (type == NVDLA_OP_TYPE_SDP) {
      op.sdp_op.lut_index = -1;
      op.sdp_op.batch_num = 1;
      op.sdp_op.out_cvt.scale = 1;
      surface.sdp_surface.src_data = src;
      surface.sdp_surface.dst_data = dst;
    } else if (type == NVDLA_OP_TYPE_PDP) {
      op.pdp_op.split_num = 1;
      op.pdp_op.stride_x = op.pdp_op.stride_y = 1;
      op.pdp_op.pool_mode = NVDLA_POOL_MODE_MAX;
      surface.pdp_surface.src_data = src;
      surface.pdp_surface.dst_data = dst;
    } else if (type == NVDLA_OP_TYPE_CDP) {
      op.cdp_op.local_size = 3;
      op.cdp_op.in_cvt.scale = op.cdp_op.out_cvt.scale = 1;
      surface.cdp_surface.src_data = src;
      surface.cdp_surface.dst_data = dst;
    } else if (type == NVDLA_OP_TYPE_RUBIK) {
      op.rubik_op.stride_x = op.rubik_op.stride_y = 1;
      surface.rubik_surface.src_data = src;
      surface.rubik_surface.dst_data = dst;
    } else if (type == NVDLA_OP_TYPE_BDMA) {
      op.bdma_op.num_transfers = surface.bdma_surface.num_transfers = 1;
      surface.bdma_surface.transfers[0] = {kLists, kLists + 1, 64, 1, 64, 64, 1, 64, 64};
    }
  }

  /// Bytes of any list, changed as the input says.
  void damage(Input& input) {
    const auto bytes = [](auto& list) {
      return std::span(reinterpret_cast<uint8_t*>(list.data()), list.size() * sizeof(list[0]));
    };
    while (!input.empty()) {
      std::span<uint8_t> target;
      switch (input.choose(8)) {
        case 0:
          target = {reinterpret_cast<uint8_t*>(&network), sizeof network};
          break;
        case 1:
          target = bytes(graph);
          break;
        case 2:
          target = bytes(luts);
          break;
        case 3:
        case 4:
          target = bytes(surfaces);
          break;
        default:
          target = bytes(ops);
      }
      const size_t at = input.value<uint16_t>() % target.size();
      const size_t size = std::min<size_t>(target.size() - at, input.choose(4) + 1);
      input.fill(target.subspan(at, size));
    }
  }

  void write(Device& device) const {
    put(device, 0, std::vector{network});
    put(device, 1, graph);
    put(device, 2, ops);
    put(device, 3, surfaces);
    put(device, 4, luts);
  }
};

void require_correct_copy(Device& device, uint32_t atom) {
  const uint8_t one_sdp[] = {0, NVDLA_OP_TYPE_SDP};
  Input input(one_sdp, sizeof one_sdp);
  const Task task(input, atom);
  task.write(device);
  const auto from = device.buffers[kLists].bytes;
  const auto to = device.buffers[kLists + 1 + NVDLA_OP_TYPE_SDP % 3].bytes;
  for (size_t i = 0; i < 64 * atom; ++i) {
    from[i] = static_cast<uint8_t>(i * 7 + i / 251);
  }
  require(device.run() == 0);
  require(std::equal(from.begin(), from.begin() + 64 * atom, to.begin()));
}

void run(Device& device, Input input, uint32_t atom) {
  Task task(input, atom);
  task.damage(input);
  task.write(device);
  if (const int status = device.run(); status != 0) {
    device.require_reason(status);
    require_correct_copy(device, atom);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Device full("nvdla-nv_full");
  static Device small("nvdla-nv_small");
  if (size < 2) {
    return 0;
  }
  const bool big = (data[0] & 1) != 0;
  run(big ? full : small, Input(data + 1, size - 1), big ? 32 : 8);
  return 0;
}
