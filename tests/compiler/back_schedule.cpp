// SPDX-License-Identifier: Apache-2.0
// Scheduler model. Worst case on memory: an operation may touch its memory at any time from being enabled to completion.
#include "back_schedule.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>

namespace medlar::compiler::test {
namespace {

enum Phase : uint8_t { kQueued, kPrepared, kProgrammed, kActive, kDone };

struct State {
  std::vector<uint8_t> phase, count;
  std::string key() const { return std::string(phase.begin(), phase.end()) + std::string(count.begin(), count.end()); }
};

/// Sorted by address and begin, neighbours joined.
std::vector<Range> joined(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return a.address != b.address ? a.address < b.address : a.begin < b.begin;
  });
  std::vector<Range> result;
  for (const Range& r : ranges) {
    if (!result.empty() && result.back().address == r.address && r.begin <= result.back().end) {
      result.back().end = std::max(result.back().end, r.end);
    } else {
      result.push_back(r);
    }
  }
  return result;
}

/// Of two joined lists.
bool overlap(const std::vector<Range>& a, const std::vector<Range>& b) {
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i].address == b[j].address && a[i].begin < b[j].end && b[j].begin < a[i].end) {
      return true;
    }
    const bool a_first = a[i].address != b[j].address ? a[i].address < b[j].address : a[i].end <= b[j].begin;
    a_first ? ++i : ++j;
  }
  return false;
}

class Machine {
 public:
  explicit Machine(const Decoded& d) : d_(d), count_(d.ops.size()) {
    find_conflicts();
    for (size_t i = 0; i < count_; ++i) {
      queue_[d.ops[i].node.op_type].push_back(static_cast<int>(i));
    }
  }

  State start() {
    State s{std::vector<uint8_t>(count_, kQueued), std::vector<uint8_t>(count_)};
    for (size_t i = 0; i < count_; ++i) {
      s.count[i] = d_.ops[i].node.dependency_count;
    }
    for (int engine = 0; engine < NVDLA_OP_COUNT; ++engine) {
      if (d_.network.op_head[engine] >= 0) {
        submit(s, d_.network.op_head[engine]);
        dequeue(s, d_.network.op_head[engine]);
      }
    }
    return s;
  }

  /// Operations that may complete next: active, first of their engine, with an active partner if they are fused.
  std::vector<int> completable(const State& s) const {
    std::vector<int> result;
    for (const auto& queue : queue_) {
      const auto first = std::find_if(queue.begin(), queue.end(), [&](int op) { return s.phase[at(op)] != kDone; });
      if (first == queue.end() || s.phase[at(*first)] != kActive) {
        continue;
      }
      const int partner = partner_of(*first);
      if (partner < 0 || s.phase[at(partner)] >= kActive) {
        result.push_back(*first);
      }
    }
    return result;
  }

  void complete(State& s, int op) {
    s.phase[at(op)] = kDone;
    fire(s, op, NVDLA_EVENT_OP_COMPLETED);
    for (const int other : queue_[node(op).op_type]) {
      if (s.phase[at(other)] == kPrepared) {
        program(s, other);
      }
    }
    // The group that became free takes the next operation of the queue: the one after the last that was submitted.
    for (const int other : queue_[node(op).op_type]) {
      const int next = node(other).consumers[node(op).op_type].index;
      if (s.phase[at(other)] != kQueued && next >= 0 && s.phase[at(next)] == kQueued) {
        submit(s, next);
        break;
      }
    }
  }

  bool finished(const State& s) const {
    return std::all_of(s.phase.begin(), s.phase.end(), [](uint8_t p) { return p == kDone; });
  }

  std::string violation;

 private:
  static size_t at(int op) { return static_cast<size_t>(op); }
  const hw::CommonOpDesc& node(int op) const { return d_.ops[at(op)].node; }

  bool fused_sdp(size_t op) const { return d_.ops[op].node.fused_parent.index >= 0; }
  int partner_of(int op) const {
    if (fused_sdp(at(op))) {
      return node(op).fused_parent.index;
    }
    return at(op) + 1 < count_ && d_.ops[at(op) + 1].node.fused_parent.index == op ? op + 1 : -1;
  }
  int tail(size_t op) const { return op + 1 < count_ && fused_sdp(op + 1) ? static_cast<int>(op) + 1 : static_cast<int>(op); }

  /// conflicts_[i]: tails of earlier chains that must be complete when operation i is enabled. What a fused SDP writes
  /// happens while its CONV is active, so it counts for the CONV.
  void find_conflicts() {
    conflicts_.resize(count_);
    std::vector<std::vector<Range>> all_reads(count_);
    std::vector<std::vector<Range>> all_writes(count_);
    for (size_t i = 0; i < count_; ++i) {
      all_reads[i] = joined(d_.ops[i].reads);
      all_writes[i] = joined(d_.ops[i].writes);
    }
    for (size_t i = 0; i < count_; ++i) {
      std::vector<Range> writes = fused_sdp(i) ? std::vector<Range>{} : d_.ops[i].writes;
      if (i + 1 < count_ && fused_sdp(i + 1)) {
        writes.insert(writes.end(), d_.ops[i + 1].writes.begin(), d_.ops[i + 1].writes.end());
      }
      writes = joined(std::move(writes));
      for (size_t j = 0; j < i; ++j) {
        if (tail(j) == tail(i)) {
          continue;
        }
        if (overlap(all_reads[i], all_writes[j]) || overlap(writes, all_writes[j]) || overlap(writes, all_reads[j])) {
          conflicts_[i].push_back(tail(j));
        }
      }
    }
  }

  void submit(State& s, int op) {
    if (s.phase[at(op)] != kQueued) {
      violation = "operation submitted twice";
      return;
    }
    s.phase[at(op)] = kPrepared;
    program(s, op);
  }

  void dequeue(State& s, int op) {
    const int next = node(op).consumers[node(op).op_type].index;
    if (next >= 0) {
      submit(s, next);
    }
  }

  /// The SDP's table is shared by both groups.
  bool ready(const State& s, int op) const {
    if (node(op).op_type != NVDLA_OP_TYPE_SDP || d_.ops[at(op)].op.sdp_op.lut_index < 0) {
      return true;
    }
    for (const int other : queue_[NVDLA_OP_TYPE_SDP]) {
      const bool holds_group = s.phase[at(other)] == kProgrammed || s.phase[at(other)] == kActive;
      const int lut = d_.ops[at(other)].op.sdp_op.lut_index;
      if (other != op && holds_group && lut != d_.ops[at(op)].op.sdp_op.lut_index && (lut >= 0 || s.phase[at(other)] == kActive)) {
        return false;
      }
    }
    return true;
  }

  void program(State& s, int op) {
    if (!ready(s, op)) {
      return;
    }
    s.phase[at(op)] = kProgrammed;
    fire(s, op, NVDLA_EVENT_OP_PROGRAMMED);
    try_enable(s, op);
  }

  void fire(State& s, int op, uint8_t event) {
    for (const hw::Consumer& c : node(op).consumers) {
      signal(s, c, event);
    }
    signal(s, node(op).fused_parent, event);
  }

  void signal(State& s, const hw::Consumer& c, uint8_t event) {
    if (c.index < 0 || c.event != event) {
      return;
    }
    if (s.count[at(c.index)] == 0) {
      violation = "operation " + std::to_string(c.index) + " receives more events than it waits for";
      return;
    }
    --s.count[at(c.index)];
    try_enable(s, c.index);
  }

  void try_enable(State& s, int op) {
    if (s.phase[at(op)] != kProgrammed || s.count[at(op)] != 0) {
      return;
    }
    for (const int other : conflicts_[at(op)]) {
      if (s.phase[at(other)] != kDone) {
        violation = "operation " + std::to_string(op) + " is enabled before " + std::to_string(other) + " is complete";
      }
    }
    s.phase[at(op)] = kActive;
    fire(s, op, NVDLA_EVENT_OP_ENABLED);
  }

  const Decoded& d_;
  size_t count_;
  std::array<std::vector<int>, NVDLA_OP_COUNT> queue_;
  std::vector<std::vector<int>> conflicts_;
};

}  // namespace

Exploration explore_all(const Decoded& decoded, uint64_t max_states) {
  Exploration result;
  Machine machine(decoded);
  std::unordered_set<std::string> seen;
  std::vector<State> open{machine.start()};
  while (!open.empty() && machine.violation.empty()) {
    const State s = open.back();
    open.pop_back();
    if (!seen.insert(s.key()).second) {
      continue;
    }
    if (++result.states > max_states) {
      result.violation = "more states than allowed";
      return result;
    }
    const std::vector<int> next = machine.completable(s);
    if (next.empty() && !machine.finished(s)) {
      machine.violation = "deadlock";
    }
    for (const int op : next) {
      State successor = s;
      machine.complete(successor, op);
      open.push_back(std::move(successor));
    }
  }
  result.violation = machine.violation;
  return result;
}

Exploration explore_random(const Decoded& decoded, int runs) {
  Exploration result;
  Machine machine(decoded);
  uint32_t state = 12345;
  for (int run = 0; run < runs && machine.violation.empty(); ++run) {
    State s = machine.start();
    for (std::vector<int> next = machine.completable(s); !next.empty(); next = machine.completable(s)) {
      state = state * 1664525U + 1013904223U;
      machine.complete(s, next[(state >> 16) % next.size()]);
      ++result.states;
    }
    if (!machine.finished(s)) {
      machine.violation = "deadlock";
    }
  }
  result.violation = machine.violation;
  return result;
}

}  // namespace medlar::compiler::test
