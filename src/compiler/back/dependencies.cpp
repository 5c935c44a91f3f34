// SPDX-License-Identifier: Apache-2.0
// Dependencies. The firmware gives each operation one consumer slot per engine, so not every edge can be written down.
// What is written suffices because (kernel driver facts, scheduler):
//  - an engine completes its operations in the order of its queue;
//  - it has two register groups, so the operation two places on is not even programmed before this one is complete;
//  - the link to the next operation of the queue may wait for more than OP_PROGRAMMED.
// A producer therefore signals only the first consumer of each other engine. Later ones are covered by the queue: at two
// places' distance by themselves, next to it by a link that waits for OP_ENABLED.
#include "compiler/back/dependencies.hpp"

#include <algorithm>

namespace medlar::compiler::back {
namespace {

constexpr size_t kEngines = NVDLA_OP_COUNT;

/// For each engine, the last queue position known to be complete; -1 none.
using Clock = std::array<int, kEngines>;
constexpr Clock kNothing{-1, -1, -1, -1, -1, -1};

void join(Clock& into, const Clock& other) {
  for (size_t e = 0; e < kEngines; ++e) {
    into[e] = std::max(into[e], other[e]);
  }
}

bool memory_overlaps(const Buffer& a, const Buffer& b) {
  return a.where == BufferClass::kActivation && b.where == BufferClass::kActivation && a.sram == b.sram && a.offset < b.offset + b.bytes &&
         b.offset < a.offset + a.bytes;
}

struct Use {
  int op = 0;
  const Access* access = nullptr;
};

class Builder {
 public:
  explicit Builder(const Program& program) : program_(program) {}

  Result<DependencyGraph> build() {
    if (program_.ops.size() > INT16_MAX) {
      return fail(Code::kResourceExhausted, "{} hardware operations, a task holds {}", program_.ops.size(), INT16_MAX);
    }
    queue_ops();
    find_needs();
    // An SDP that is fed on the fly is enabled before its CONV (which waits for that), so it is settled first.
    for (size_t op = 0; op < program_.ops.size(); ++op) {
      const bool pair = op + 1 < program_.ops.size() && program_.ops[op + 1].fused;
      if (pair) {
        settle(op + 1);
        settle_fused(op);
        ++op;
      } else {
        settle(op);
      }
    }
    if (conflict_) {
      return fail(Code::kInternal, "dependency graph: a consumer slot is needed twice");
    }
    count_incoming();
    return std::move(graph_);
  }

 private:
  size_t engine(size_t op) const { return program_.ops[op].type; }
  hw::CommonOpDesc& node(size_t op) { return graph_.nodes[op]; }

  void queue_ops() {
    const size_t count = program_.ops.size();
    graph_.nodes.resize(count);
    graph_.op_heads.fill(-1);
    position_.resize(count);
    enabled_.assign(count, kNothing);
    completed_.assign(count, kNothing);
    for (size_t op = 0; op < count; ++op) {
      hw::CommonOpDesc& n = node(op);
      n = {};
      n.index = static_cast<int16_t>(op);
      n.op_type = program_.ops[op].type;
      for (hw::Consumer& c : n.consumers) {
        c = {.index = -1, .event = NVDLA_EVENT_OP_COMPLETED, .res = 0};
      }
      n.fused_parent = {.index = -1, .event = NVDLA_EVENT_OP_COMPLETED, .res = 0};
      auto& queue = queues_[engine(op)];
      position_[op] = static_cast<int>(queue.size());
      if (queue.empty()) {
        graph_.op_heads[engine(op)] = static_cast<int16_t>(op);
      } else {
        node(queue.back()).consumers[engine(op)] = {
            .index = static_cast<int16_t>(op), .event = NVDLA_EVENT_OP_PROGRAMMED, .res = 0};
      }
      queue.push_back(op);
    }
  }

  /// The operation whose completion means that all of the fused chain of `op` is done with memory.
  size_t tail(size_t op) const { return op + 1 < program_.ops.size() && program_.ops[op + 1].fused ? op + 1 : op; }

  /// The operation to hold back for one access: what a fused SDP writes cannot come before its CONV runs.
  size_t target(size_t op, const Access& access) const { return access.write && program_.ops[op].fused ? op - 1 : op; }

  void find_needs() {
    needs_.assign(program_.ops.size(), kNothing);
    std::vector<std::vector<BufferId>> overlapping(program_.buffers.size());
    for (size_t a = 0; a < program_.buffers.size(); ++a) {
      for (size_t b = 0; b < program_.buffers.size(); ++b) {
        if (a == b || memory_overlaps(program_.buffers[a], program_.buffers[b])) {
          overlapping[a].push_back(static_cast<BufferId>(b));
        }
      }
    }
    std::vector<std::vector<Use>> uses(program_.buffers.size());
    for (size_t op = 0; op < program_.ops.size(); ++op) {
      for (const Access& access : program_.ops[op].accesses) {
        for (const BufferId other : overlapping[static_cast<size_t>(access.buffer)]) {
          add_needs(op, access, uses[static_cast<size_t>(other)]);
        }
      }
      for (const Access& access : program_.ops[op].accesses) {
        uses[static_cast<size_t>(access.buffer)].push_back({static_cast<int>(op), &access});
      }
    }
  }

  void add_needs(size_t op, const Access& access, const std::vector<Use>& earlier) {
    const size_t own_tail = tail(op);
    for (const Use& use : earlier) {
      const bool same = use.access->buffer == access.buffer;
      const size_t producer = tail(static_cast<size_t>(use.op));
      if ((!use.access->write && !access.write) || producer == own_tail ||
          (same && !use.access->box.overlaps(access.box))) {
        continue;
      }
      int& need = needs_[target(op, access)][engine(producer)];
      need = std::max(need, position_[producer]);
    }
  }

  void raise_link(size_t from, size_t to, uint8_t event) {
    hw::Consumer& link = node(from).consumers[engine(to)];
    // Strength grows from PROGRAMMED over ENABLED to COMPLETED.
    constexpr std::array<int, 4> kStrength{0, 3, 1, 2};
    if (kStrength[event] > kStrength[link.event]) {
      link.event = event;
    }
  }

  void settle(size_t op) {
    const size_t own = engine(op);
    const auto& queue = queues_[own];
    const int position = position_[op];
    Clock& known = enabled_[op];
    const Clock& need = needs_[op];
    if (position >= 2) {
      join(known, completed_[queue[static_cast<size_t>(position - 2)]]);
    }
    if (position >= 1) {
      const size_t before = queue[static_cast<size_t>(position - 1)];
      if (need[own] == position - 1) {
        raise_link(before, op, NVDLA_EVENT_OP_COMPLETED);
        join(known, completed_[before]);
      } else if (helps(enabled_[before], known, need)) {
        raise_link(before, op, NVDLA_EVENT_OP_ENABLED);
        join(known, enabled_[before]);
      }
    }
    for (size_t other = 0; other < kEngines; ++other) {
      if (other != own && need[other] > known[other]) {
        const size_t producer = queues_[other][static_cast<size_t>(need[other])];
        signal(producer, op);
        join(known, completed_[producer]);
      }
    }
    finish(op);
  }

  /// What is certainly complete once `op` is: what it waited for, and everything before it in its queue.
  void finish(size_t op) {
    Clock& clock = completed_[op];
    join(clock, enabled_[op]);
    if (position_[op] > 0) {
      join(clock, completed_[queues_[engine(op)][static_cast<size_t>(position_[op] - 1)]]);
    }
    clock[engine(op)] = position_[op];
  }

  void signal(size_t producer, size_t op) {
    hw::Consumer& slot = node(producer).consumers[engine(op)];
    conflict_ = conflict_ || slot.index >= 0;  // Cannot happen: the earlier consumer's clock covers this one.
    slot = {.index = static_cast<int16_t>(op), .event = NVDLA_EVENT_OP_COMPLETED, .res = 0};
  }

  static bool helps(const Clock& offered, const Clock& known, const Clock& need) {
    for (size_t e = 0; e < kEngines; ++e) {
      if (need[e] > known[e] && offered[e] >= need[e]) {
        return true;
      }
    }
    return false;
  }

  /// A CONV whose SDP has been settled: it is programmed first, the SDP is enabled first.
  void settle_fused(size_t conv) {
    const size_t sdp = conv + 1;
    node(conv).consumers[engine(sdp)] = {
        .index = static_cast<int16_t>(sdp), .event = NVDLA_EVENT_OP_PROGRAMMED, .res = 0};
    node(sdp).fused_parent = {.index = static_cast<int16_t>(conv), .event = NVDLA_EVENT_OP_ENABLED, .res = 0};
    enabled_[conv] = enabled_[sdp];
    settle(conv);
    // The pair completes as one, and its SDP is the operation that others wait for.
    join(completed_[sdp], enabled_[conv]);
  }

  void count_incoming() {
    for (size_t op = 0; op < graph_.nodes.size(); ++op) {
      for (const hw::Consumer& c : node(op).consumers) {
        if (c.index >= 0) {
          ++node(static_cast<size_t>(c.index)).dependency_count;
        }
      }
      if (node(op).fused_parent.index >= 0) {
        ++node(static_cast<size_t>(node(op).fused_parent.index)).dependency_count;
      }
    }
  }

  const Program& program_;
  DependencyGraph graph_;
  std::array<std::vector<size_t>, kEngines> queues_;
  std::vector<int> position_;
  std::vector<Clock> needs_;
  std::vector<Clock> enabled_;    ///< Known complete when an operation is enabled.
  std::vector<Clock> completed_;  ///< Known complete when an operation is.
  bool conflict_ = false;
};

}  // namespace

Result<DependencyGraph> build_dependencies(const Program& program) { return Builder(program).build(); }

}  // namespace medlar::compiler::back
