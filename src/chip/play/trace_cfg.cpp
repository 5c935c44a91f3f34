// SPDX-License-Identifier: Apache-2.0
// hw-master's .cfg: C-like calls, sorted into one queue a block; the queues run in parallel.
#include <algorithm>
#include <charconv>
#include <deque>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "chip/play/trace_bench.hpp"
#include "chip/play/trace_data.hpp"
#include "chip/play/trace_player.hpp"
#include "chip/play/unit_interrupt.hpp"

namespace medlar::chip {
namespace {

struct Call {
  int line = 0;
  std::string name;
  std::vector<std::string> arguments;
};

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Result<Call> parse_call(std::string_view text, int line) {
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return fail(Code::kCorrupt, "line {}: \"{}\" is no call", line, text.substr(0, 60));
  }
  Call call{line, std::string(trim(text.substr(0, open))), {}};
  std::string_view rest = text.substr(open + 1, close - open - 1);
  while (!trim(rest).empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    std::string_view argument = trim(rest.substr(0, comma));
    if (argument.size() >= 2 && argument.front() == '"') {
      argument = argument.substr(1, argument.size() - 2);
    }
    call.arguments.emplace_back(argument);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return call;
}

Result<std::vector<Call>> parse_calls(std::string_view text) {
  std::vector<Call> calls;
  for (int line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    content = trim(content.substr(0, content.find("//")));
    if (!content.empty()) {
      MEDLAR_ASSIGN(calls.emplace_back(), parse_call(content, line));
    }
  }
  return calls;
}

Result<uint64_t> number(const std::string& text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const char* const first = text.data() + (hex ? 2 : 0);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(first, text.data() + text.size(), value, hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(Code::kCorrupt, "\"{}\" is no number", text);
  }
  return value;
}

/// sec_mem is the SRAM; everything else the bench takes for the primary memory.
Ram ram_named(const std::string& name) { return name == "sec_mem" ? Ram::kSram : Ram::kDram; }

/// Calls that only their own block's order binds.
bool is_queued(const std::string& name) {
  return name == "reg_write" || name == "reg_read" || name == "reg_read_check" || name == "poll_reg_equal" ||
         name == "sync_wait" || name == "sync_notify";
}

size_t arguments_of(const std::string& name) {
  if (name == "check_crc" || name == "check_file") {
    return 5;
  }
  if (name == "mem_init") {
    return 4;
  }
  if (name == "mem_load") {
    return 3;
  }
  return name == "reg_read" || name == "check_nothing" ? 1 : 2;
}

class CfgPlayer {
 public:
  explicit CfgPlayer(const TraceInput& trace) : trace_(trace), bench_(*trace.config) {}

  Status play(std::string_view text);

 private:
  struct Queue {
    std::string block;
    std::deque<Call> calls;
  };
  struct Expected {
    uint32_t bit = 0;
    std::string event;
  };

  Status sort(Call call);
  Status setup(const Call& call);
  Status fill(const Call& call);
  Status load(const Call& call);
  /// Runs one call; false when it has to wait.
  Result<bool> advance(const Call& call);
  Result<bool> drain_queues();
  Status take_interrupts();
  Status turn_on_event_of(uint32_t bit);
  Status run_checks();
  Status check(const Call& call);
  Status check_finished() const;
  Result<uint32_t> address_of(const std::string& name) const;

  const TraceInput& trace_;
  TraceBench bench_;
  std::vector<Queue> queues_;
  std::vector<Expected> expected_;
  std::vector<Call> checks_;
  std::set<std::string> events_;
};

Result<uint32_t> CfgPlayer::address_of(const std::string& name) const {
  const auto found = hw::find_register(name, trace_.config->register_map);
  if (!found) {
    return fail(Code::kCorrupt, "\"{}\" is no register of {}", name, trace_.config->name);
  }
  return found->address;
}

Status CfgPlayer::sort(Call call) {
  if (call.arguments.size() < arguments_of(call.name)) {
    return fail(Code::kCorrupt, "line {}: {} with {} arguments", call.line, call.name, call.arguments.size());
  }
  if (!is_queued(call.name)) {
    return setup(call);
  }
  const std::string& target = call.arguments[0];
  const std::string block = target.substr(0, target.find('.'));
  auto queue = std::find_if(queues_.begin(), queues_.end(), [&](const Queue& q) { return q.block == block; });
  if (queue == queues_.end()) {
    queue = queues_.insert(queues_.end(), Queue{block, {}});
  }
  queue->calls.push_back(std::move(call));
  return {};
}

Status CfgPlayer::setup(const Call& call) {
  if (call.name == "mem_init") {
    return fill(call);
  }
  if (call.name == "mem_load") {
    return load(call);
  }
  if (call.name == "intr_notify") {
    MEDLAR_ASSIGN(const uint32_t bit, interrupt_bit(call.arguments[0]));
    expected_.push_back({bit, call.arguments[1]});
    return {};
  }
  if (call.name == "check_crc" || call.name == "check_file" || call.name == "check_nothing") {
    checks_.push_back(call);
    return {};
  }
  return fail(Code::kUnsupported, "line {}: no command \"{}\"", call.line, call.name);
}

Status CfgPlayer::fill(const Call& call) {
  uint8_t value = 0;
  if (call.arguments[3] == "ONES") {
    value = 0xff;
  } else if (call.arguments[3] == "AFIVE") {
    value = 0xa5;
  } else if (call.arguments[3] == "FIVEA") {
    value = 0x5a;
  } else if (call.arguments[3] != "ALL_ZERO") {
    return fail(Code::kUnsupported, "line {}: memory pattern \"{}\"", call.line, call.arguments[3]);
  }
  MEDLAR_ASSIGN(const uint64_t base, number(call.arguments[1]));
  MEDLAR_ASSIGN(const uint64_t size, number(call.arguments[2]));
  return bench_.fill(ram_named(call.arguments[0]), base, size, value);
}

Status CfgPlayer::load(const Call& call) {
  MEDLAR_ASSIGN(const uint64_t base, number(call.arguments[1]));
  MEDLAR_ASSIGN(const ByteBuffer* const file, trace_.find(call.arguments[2]));
  const std::string_view text(reinterpret_cast<const char*>(file->data()), file->size());
  MEDLAR_ASSIGN(const ByteBuffer bytes, parse_payload_lines(text, call.arguments[2]));
  return bench_.load(ram_named(call.arguments[0]), base, bytes);
}

Result<bool> CfgPlayer::advance(const Call& call) {
  if (call.name == "sync_wait") {
    return events_.contains(call.arguments[1]);
  }
  if (call.name == "sync_notify") {
    events_.insert(call.arguments[1]);
    return true;
  }
  MEDLAR_ASSIGN(const uint32_t address, address_of(call.arguments[0]));
  if (call.name == "reg_write") {
    MEDLAR_ASSIGN(const uint64_t value, number(call.arguments[1]));
    MEDLAR_TRY(bench_.write(address, static_cast<uint32_t>(value)));
    return true;
  }
  MEDLAR_ASSIGN(const uint32_t value, bench_.read(address));
  if (call.name == "reg_read") {
    return true;
  }
  MEDLAR_ASSIGN(const uint64_t wanted, number(call.arguments[1]));
  if (call.name == "reg_read_check" && value != wanted) {
    return fail(Code::kInternal, "line {}: {} reads {:#x}, expected {:#x}", call.line, call.arguments[0], value, wanted);
  }
  return value == wanted;
}

/// True when some queue moved.
Result<bool> CfgPlayer::drain_queues() {
  bool moved = false;
  for (Queue& queue : queues_) {
    bool blocked = false;
    while (!queue.calls.empty() && !blocked) {
      Result<bool> done = advance(queue.calls.front());
      if (!done) {
        return tl::unexpected<Error>(std::move(done).error().in(fmt::format("line {}", queue.calls.front().line)));
      }
      blocked = !*done;
      moved = moved || *done;
      if (*done) {
        queue.calls.pop_front();
      }
    }
  }
  return moved;
}

/// The oldest expectation of the unit and group; of the unit's other group if only that one is expected.
Status CfgPlayer::turn_on_event_of(uint32_t bit) {
  const auto find = [&](uint32_t wanted) {
    return std::find_if(expected_.begin(), expected_.end(), [&](const Expected& e) { return e.bit == wanted; });
  };
  auto found = find(bit);
  if (found == expected_.end()) {
    found = find(bit ^ 1);
  }
  if (found == expected_.end()) {
    return fail(Code::kInternal, "interrupt bit {} rose, but nobody expects it", bit);
  }
  events_.insert(found->event);
  expected_.erase(found);
  return {};
}

Status CfgPlayer::take_interrupts() {
  MEDLAR_ASSIGN(const uint32_t status_address, interrupt_status_address(*trace_.config));
  MEDLAR_ASSIGN(const uint32_t mask_address, address_of("GLB.S_INTR_MASK"));
  MEDLAR_ASSIGN(const uint32_t status, bench_.read(status_address));
  MEDLAR_ASSIGN(const uint32_t mask, bench_.read(mask_address));
  const uint32_t raised = status & ~mask;
  for (uint32_t bit = 0; bit < 32; ++bit) {
    if (((raised >> bit) & 1) != 0) {
      MEDLAR_TRY(turn_on_event_of(bit));
    }
  }
  return bench_.write(status_address, raised);
}

Status CfgPlayer::check(const Call& call) {
  if (call.name == "check_nothing") {
    return {};
  }
  const Ram ram = ram_named(call.arguments[1]);
  MEDLAR_ASSIGN(const uint64_t base, number(call.arguments[2]));
  MEDLAR_ASSIGN(const uint64_t size, number(call.arguments[3]));
  if (call.name == "check_file") {
    MEDLAR_ASSIGN(const ByteBuffer* const file, trace_.find(call.arguments[4]));
    const std::string_view text(reinterpret_cast<const char*>(file->data()), file->size());
    MEDLAR_ASSIGN(ByteBuffer want, parse_payload_lines(text, call.arguments[4]));
    want.resize(static_cast<size_t>(size));
    return bench_.compare(ram, base, want, call.arguments[4]);
  }
  MEDLAR_ASSIGN(const uint64_t wanted, number(call.arguments[4]));
  MEDLAR_ASSIGN(const ByteBuffer bytes, bench_.dump(ram, base, size));
  const uint32_t got = crc32(bytes);
  if (got != wanted) {
    return fail(Code::kInternal, "line {}: CRC of {} bytes at {:#x} is {:#x}, expected {:#x}", call.line, size, base, got,
                wanted);
  }
  return {};
}

/// Checks whose event has come, once each.
Status CfgPlayer::run_checks() {
  std::vector<Call> later;
  for (Call& call : checks_) {
    if (events_.contains(call.arguments[0])) {
      MEDLAR_TRY(check(call));
    } else {
      later.push_back(std::move(call));
    }
  }
  checks_ = std::move(later);
  return {};
}

Status CfgPlayer::check_finished() const {
  for (const Queue& queue : queues_) {
    if (!queue.calls.empty()) {
      return fail(Code::kTimeout, "line {}: {} waits for ever", queue.calls.front().line, queue.block);
    }
  }
  if (!checks_.empty()) {
    return fail(Code::kTimeout, "line {}: event {} never came", checks_.front().line, checks_.front().arguments[0]);
  }
  return {};
}

Status CfgPlayer::play(std::string_view text) {
  MEDLAR_ASSIGN(std::vector<Call> calls, parse_calls(text));
  for (Call& call : calls) {
    MEDLAR_TRY(sort(std::move(call)));
  }
  bool more = true;
  while (more) {
    MEDLAR_ASSIGN(more, drain_queues());
    MEDLAR_ASSIGN(const bool ran, bench_.step());
    more = more || ran;
    MEDLAR_TRY(take_interrupts());
    MEDLAR_TRY(run_checks());
  }
  return check_finished();
}

}  // namespace

Status play_cfg(const TraceInput& trace) {
  const ByteBuffer& bytes = trace.files->at(trace.path);
  CfgPlayer player(trace);
  return player.play({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace medlar::chip
