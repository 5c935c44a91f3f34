// SPDX-License-Identifier: Apache-2.0
// Decoding and checking of emitted segments.
#include "back_checker.hpp"

#include <cstring>
#include <map>
#include <set>

#include <gtest/gtest.h>

namespace medlar::compiler::test {
namespace {

int bytes_of(uint8_t precision) { return precision == NVDLA_PRECISION_INT8 ? 1 : 2; }

void add_cube(std::vector<Range>& ranges, const hw::DataCube& cube, int element_bytes, const hw::HwConfig& config) {
  const int atom = static_cast<int>(config.memory_atom);
  const int surfaces = (cube.channel * element_bytes + atom - 1) / atom;
  for (int s = 0; s < surfaces; ++s) {
    for (int y = 0; y < cube.height; ++y) {
      const uint64_t begin = cube.offset + static_cast<uint64_t>(s) * cube.surf_stride + static_cast<uint64_t>(y) * cube.line_stride;
      ranges.push_back({cube.address, begin, begin + static_cast<uint64_t>(cube.width) * static_cast<uint64_t>(atom)});
    }
  }
}

void add_operand(DecodedOp& d, const hw::SdpSubOp& stage, const hw::DataCube& cube, const hw::HwConfig& config) {
  if (stage.enable && stage.type != NVDLA_SDP_OP_TYPE_NONE && stage.mode == NVDLA_SDP_OP_MODE_PER_POINT) {
    add_cube(d.reads, cube, bytes_of(stage.precision), config);
  }
}

void add_memory_uses(DecodedOp& d, const hw::HwConfig& config) {
  switch (d.node.op_type) {
    case NVDLA_OP_TYPE_CONV:
      add_cube(d.reads, d.surface.conv_surface.src_data, bytes_of(d.op.conv_op.in_precision), config);
      break;
    case NVDLA_OP_TYPE_SDP: {
      const hw::SdpOp& op = d.op.sdp_op;
      const hw::SdpSurface& s = d.surface.sdp_surface;
      if (s.src_data.type != NVDLA_MEM_TYPE_HW) {
        add_cube(d.reads, s.src_data, bytes_of(op.src_precision), config);
      }
      add_operand(d, op.x1_op, s.x1_data, config);
      add_operand(d, op.x2_op, s.x2_data, config);
      add_operand(d, op.y_op, s.y_data, config);
      add_cube(d.writes, s.dst_data, bytes_of(op.dst_precision), config);
      break;
    }
    default: {
      const uint8_t precision = d.node.op_type == NVDLA_OP_TYPE_PDP   ? d.op.pdp_op.precision
                                : d.node.op_type == NVDLA_OP_TYPE_CDP ? d.op.cdp_op.in_precision
                                                                      : d.op.rubik_op.precision;
      add_cube(d.reads, d.surface.pdp_surface.src_data, bytes_of(precision), config);
      add_cube(d.writes, d.surface.pdp_surface.dst_data, bytes_of(precision), config);
    }
  }
}

/// Banks by the formulas of the fact sheet, written down a second time.
void check_conv(const DecodedOp& conv, const DecodedOp& sdp, const hw::HwConfig& config) {
  const hw::ConvOp& op = conv.op.conv_op;
  const hw::ConvSurface& s = conv.surface.conv_surface;
  const int bpe = bytes_of(op.in_precision);
  const int entry = static_cast<int>(config.cbuf_entry_bytes);
  const int per_bank = static_cast<int>(config.cbuf_bank_entries);
  const hw::DataCube src = s.src_data;
  const int atoms = (src.channel * bpe + static_cast<int>(config.memory_atom) - 1) / static_cast<int>(config.memory_atom);
  const int per = entry / static_cast<int>(config.memory_atom);
  const int rest = atoms % per;
  const int slice = atoms / per * src.width + (rest == 3 ? src.width : (rest * src.width + per - 1) / per);
  EXPECT_EQ(op.entry_per_slice, slice);
  EXPECT_GE(op.data_bank * per_bank, slice * src.height);
  const int kernels = s.dst_data.channel;
  const int group = static_cast<int>(config.atomic_k) / bpe;
  const int kernel_bytes = op.kernel_channel_csc * op.kernel_width_csc * op.kernel_height_csc * bpe;
  EXPECT_EQ(op.bytes_per_kernel, static_cast<uint32_t>(kernel_bytes));
  EXPECT_GE(op.weight_bank * per_bank * entry, std::min(group, kernels) * kernel_bytes) << "no kernel group fits";
  if (op.skip_weight_rls || op.weight_reuse) {
    EXPECT_GE(op.weight_bank * per_bank * entry, kernels * kernel_bytes) << "kept weights must all be there";
  }
  EXPECT_GE(op.data_bank, 1);
  EXPECT_GE(op.weight_bank, 1);
  EXPECT_LE(op.data_bank + op.weight_bank, static_cast<int>(config.cbuf_banks));
  EXPECT_EQ(s.weight_data.size, static_cast<uint32_t>((kernels * kernel_bytes + entry - 1) / entry * entry));
  const auto out = [](int in, int before, int after, int kernel, int dilation, int stride) {
    return (in + before + after - ((kernel - 1) * dilation + 1)) / stride + 1;
  };
  EXPECT_EQ(op.input_width_cmac, out(src.width, op.pad_x_left, op.pad_x_right, op.kernel_width_csc, op.dilation_x, op.conv_stride_x));
  EXPECT_EQ(op.input_height_cmac, out(src.height, op.pad_y_top, op.pad_y_bottom, op.kernel_height_csc, op.dilation_y, op.conv_stride_y));
  EXPECT_EQ(op.release, src.height);
  ASSERT_EQ(sdp.node.op_type, NVDLA_OP_TYPE_SDP);
  const hw::SdpSurface out_surface = sdp.surface.sdp_surface;
  EXPECT_EQ(out_surface.src_data.type, NVDLA_MEM_TYPE_HW);
  EXPECT_EQ(out_surface.dst_data.width, op.input_width_cmac);
  EXPECT_EQ(out_surface.dst_data.height, op.input_height_cmac);
  EXPECT_EQ(out_surface.dst_data.channel, kernels);
}

/// One number for each atom of each address of the task.
class AtomMap {
 public:
  AtomMap(int atom, int initial) : atom_(static_cast<uint64_t>(atom)), initial_(initial) {}
  int& at(int address, uint64_t byte) {
    std::vector<int>& atoms = by_address_[address];
    const size_t index = byte / atom_;
    if (index >= atoms.size()) {
      atoms.resize(index + 1, initial_);
    }
    return atoms[index];
  }

 private:
  uint64_t atom_;
  int initial_;
  std::map<int, std::vector<int>> by_address_;
};

TensorId root_of(const HwGraph& graph, TensorId id) {
  const HwTensor& t = graph.tensors[static_cast<size_t>(id)];
  return t.view_of == kNoTensor ? id : t.view_of;
}

/// Tensors that an operation reads, as roots.
std::set<TensorId> sources_of(const HwGraph& graph, const HwOp& op) {
  std::set<TensorId> roots{root_of(graph, op.src)};
  const SdpParams* sdp = nullptr;
  if (const auto* conv = std::get_if<ConvOp>(&op.body)) {
    sdp = &conv->sdp;
  } else if (const auto* alone = std::get_if<SdpOp>(&op.body)) {
    sdp = &alone->sdp;
  }
  if (sdp != nullptr) {
    for (const SdpStage* stage : {&sdp->x1, &sdp->x2, &sdp->y}) {
      if (stage->enable && stage->mode == SdpOperandMode::kPerElement && stage->element_operand != kNoTensor) {
        roots.insert(root_of(graph, stage->element_operand));
      }
    }
  }
  return roots;
}

uint64_t atoms_of(const HwGraph& graph, TensorId id, const hw::HwConfig& config) {
  const HwTensor& t = graph.tensors[static_cast<size_t>(id)];
  const int per = static_cast<int>(config.memory_atom / hw::bytes_per_element(t.precision));
  return static_cast<uint64_t>(t.w) * static_cast<uint64_t>(t.h) * static_cast<uint64_t>((t.c + per - 1) / per);
}

class MemoryChecker {
 public:
  MemoryChecker(const HwGraph& graph, const EmittedSegment& segment, const Decoded& decoded, const hw::HwConfig& config)
      : graph_(graph),
        segment_(segment),
        decoded_(decoded),
        config_(config),
        atom_(config.memory_atom),
        writer_(static_cast<int>(config.memory_atom), -1),
        written_(graph.ops.size()) {
    for (size_t i = 0; i < graph.ops.size(); ++i) {
      source_by_name_[graph.ops[i].name] = static_cast<int>(i);
    }
  }

  void check() {
    for (size_t i = 0; i < decoded_.ops.size(); ++i) {
      const int source = source_by_name_.at(segment_.ops[i].name);
      check_reads(i, source);
      check_writes(i, source);
    }
    for (size_t source = 0; source < written_.size(); ++source) {
      const HwOp& op = graph_.ops[source];
      if (!std::holds_alternative<CopyOp>(op.body)) {
        EXPECT_EQ(written_[source], atoms_of(graph_, op.dst, config_)) << op.name << " does not cover its destination";
      }
    }
  }

 private:
  void check_reads(size_t i, int source) {
    const std::set<TensorId> roots = sources_of(graph_, graph_.ops[static_cast<size_t>(source)]);
    bool input = false;
    for (const TensorId root : roots) {
      input = input || graph_.tensors[static_cast<size_t>(root)].role == TensorRole::kInput;
    }
    for (const Range& read : decoded_.ops[i].reads) {
      for (uint64_t at = read.begin; at < read.end; at += atom_) {
        int& writer = writer_.at(read.address, at);
        const bool own = writer == source || writer == kConsumed - source;  // A temporary inside one layer.
        if (writer == source) {
          --written_[static_cast<size_t>(source)];
          writer = kConsumed - source;
        }
        const bool right = own || (writer >= 0 ? roots.count(root_of(graph_, graph_.ops[static_cast<size_t>(writer)].dst)) != 0
                                               : writer == -1 && input);
        if (!right) {
          FAIL() << "operation " << i << " (" << segment_.ops[i].name << ") reads address " << read.address << " + " << at
                 << ", last written by " << writer;
        }
      }
    }
  }

  void check_writes(size_t i, int source) {
    for (const Range& write : decoded_.ops[i].writes) {
      for (uint64_t at = write.begin; at < write.end; at += atom_) {
        int& writer = writer_.at(write.address, at);
        if (writer == source) {
          FAIL() << segment_.ops[i].name << " writes address " << write.address << " + " << at << " twice";
        }
        writer = source;
        ++written_[static_cast<size_t>(source)];
      }
    }
  }

  static constexpr int kConsumed = -1000;
  const HwGraph& graph_;
  const EmittedSegment& segment_;
  const Decoded& decoded_;
  const hw::HwConfig& config_;
  const uint64_t atom_;
  AtomMap writer_;  ///< Graph operation; -1 none; kConsumed - n: a temporary of operation n, read.
  std::vector<uint64_t> written_;
  std::map<std::string, int> source_by_name_;
};

}  // namespace

const hw::HwConfig& config_named(std::string_view name) {
  const auto found = hw::find_config(name);
  EXPECT_TRUE(found.has_value());
  return **found;
}

std::optional<Decoded> decode(const EmittedSegment& segment, const hw::HwConfig& config) {
  Decoded d;
  auto read = loadable::read(segment.loadable, "emitted");
  if (!read) {
    ADD_FAILURE() << read.error().to_string();
    return std::nullopt;
  }
  d.loadable = std::move(*read);
  const auto verified = loadable::verify(d.loadable);
  const auto task = loadable::dla_task(d.loadable, 0);
  if (!verified || !task) {
    ADD_FAILURE() << (verified ? task.error() : verified.error()).to_string();
    return std::nullopt;
  }
  d.network = task->network;
  for (uint32_t i = 0; i < task->records; ++i) {
    DecodedOp op;
    op.node = task->op(i);
    op.op = task->op_body(i);
    std::memcpy(&op.surface, task->surface(i).data(), sizeof(op.surface));
    add_memory_uses(op, config);
    d.ops.push_back(op);
  }
  for (uint32_t i = 0; i < task->network.num_luts; ++i) {
    d.luts.push_back(task->lut(i));
  }
  return d;
}

void check_segment(const HwGraph& graph, const EmittedSegment& segment, const hw::HwConfig& config) {
  const auto decoded = decode(segment, config);
  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->ops.size(), segment.ops.size());
  for (size_t i = 0; i < decoded->ops.size(); ++i) {
    if (decoded->ops[i].node.op_type == NVDLA_OP_TYPE_CONV) {
      ASSERT_LT(i + 1, decoded->ops.size());
      SCOPED_TRACE(segment.ops[i].name);
      check_conv(decoded->ops[i], decoded->ops[i + 1], config);
    }
  }
  MemoryChecker(graph, segment, *decoded, config).check();
}

std::optional<Decoded> emit_and_check(const HwGraph& graph, const hw::HwConfig& config) {
  const auto segment = emit_segment(graph, config);
  if (!segment) {
    ADD_FAILURE() << segment.error().to_string();
    return std::nullopt;
  }
  check_segment(graph, *segment, config);
  return decode(*segment, config);
}

}  // namespace medlar::compiler::test
