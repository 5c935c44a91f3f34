// SPDX-License-Identifier: Apache-2.0
// nvdlav1's input.txn: one command a line, executed in order.
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "chip/play/trace_bench.hpp"
#include "chip/play/trace_data.hpp"
#include "chip/play/trace_player.hpp"
#include "chip/play/unit_interrupt.hpp"

namespace medlar::chip {
namespace {

using Words = std::vector<std::string>;

Words split(std::string_view line) {
  line = line.substr(0, line.find('#'));
  Words words;
  while (true) {
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) {
      return words;
    }
    line.remove_prefix(first);
    const size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

Result<uint32_t> number(const std::string& text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const char* const first = text.data() + (hex ? 2 : 0);
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(first, text.data() + text.size(), value, hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(Code::kCorrupt, "\"{}\" is no number", text);
  }
  return value;
}

/// The low 16 bits are a word address; the bits above drive side-band signals of the bus.
uint32_t byte_address(uint32_t bus_address) { return (bus_address & 0xffff) << 2; }

class TxnPlayer {
 public:
  explicit TxnPlayer(const TraceInput& trace) : trace_(trace), bench_(*trace.config) {}

  Status play(std::string_view text);

 private:
  Status command(const Words& words);
  Status write(const Words& words);
  Status read(const Words& words);
  Status wait();
  Status memory(const Words& words);

  const TraceInput& trace_;
  TraceBench bench_;
  uint32_t status_address_ = 0;
  uint32_t seen_ = 0;   ///< Interrupts that the trace looked at since they rose.
  uint32_t unseen_ = 0; ///< Interrupts that it cleared without a look.
};

bool matches(uint32_t value, uint32_t mask, const std::string& relation, uint32_t expected) {
  const uint32_t a = value & mask;
  const uint32_t b = expected & mask;
  return relation == "<=" ? a <= b : (relation == ">=" ? a >= b : a == b);
}

/// The bench polls until the value fits: reading is waiting.
Status TxnPlayer::read(const Words& words) {
  MEDLAR_ASSIGN(const uint32_t address, number(words[1]));
  MEDLAR_ASSIGN(const uint32_t mask, number(words[2]));
  const bool has_relation = words[3].find_first_of("<=>") != std::string::npos;
  if (has_relation && words.size() < 5) {
    return fail(Code::kCorrupt, "read_reg without a value");
  }
  const std::string relation = has_relation ? words[3] : "==";
  MEDLAR_ASSIGN(const uint32_t expected, number(words[has_relation ? 4 : 3]));
  while (true) {
    MEDLAR_ASSIGN(const uint32_t value, bench_.read(byte_address(address)));
    if (matches(value, mask, relation, expected)) {
      seen_ |= byte_address(address) == status_address_ ? value & mask : 0;
      return {};
    }
    MEDLAR_ASSIGN(const bool ran, bench_.step());
    if (!ran) {
      return fail(Code::kInternal, "register at {:#x} reads {:#x}, expected {} {:#x} under mask {:#x}", byte_address(address),
                  value, relation, expected, mask);
    }
  }
}

Status TxnPlayer::write(const Words& words) {
  MEDLAR_ASSIGN(const uint32_t bus_address, number(words[1]));
  MEDLAR_ASSIGN(const uint32_t value, number(words[2]));
  const uint32_t address = byte_address(bus_address);
  if (address == status_address_) {
    MEDLAR_ASSIGN(const uint32_t status, bench_.read(address));
    unseen_ |= status & value & ~seen_;
    seen_ &= ~value;
  }
  return bench_.write(address, value);
}

/// In RTL the units of a chain finish one after the other, and a trace waits for each and clears everything in between.
/// Here they finish together: interrupts that were cleared before the trace looked for them come again.
Status TxnPlayer::wait() {
  while (!bench_.chip().interrupt()) {
    MEDLAR_ASSIGN(const bool ran, bench_.step());
    if (ran) {
      continue;
    }
    if (unseen_ == 0) {
      return fail(Code::kTimeout, "wait: no interrupt comes, nothing is left to run");
    }
    constexpr uint32_t kSetBeforeStatus = 4;  // S_INTR_SET is the register before S_INTR_STATUS.
    MEDLAR_TRY(bench_.write(status_address_ - kSetBeforeStatus, unseen_));
    unseen_ = 0;
  }
  return {};
}

Status TxnPlayer::memory(const Words& words) {
  MEDLAR_ASSIGN(const uint32_t address, number(words[1]));
  MEDLAR_ASSIGN(const uint32_t size, number(words[2]));
  MEDLAR_ASSIGN(const Ram ram, trace_ram(address));
  MEDLAR_ASSIGN(const ByteBuffer* const file, trace_.find(words[3]));
  const std::string_view text(reinterpret_cast<const char*>(file->data()), file->size());
  MEDLAR_ASSIGN(ByteBuffer bytes, parse_byte_lines(text, words[3]));
  if (bytes.size() < size) {
    return fail(Code::kCorrupt, "{}: {} bytes, the trace takes {}", words[3], bytes.size(), size);
  }
  bytes.resize(size);
  if (words[0] == "load_mem") {
    return bench_.load(ram, address, bytes);
  }
  MEDLAR_TRY(bench_.run_all());
  return bench_.compare(ram, address, bytes, words[3]);
}

Status TxnPlayer::command(const Words& words) {
  const std::string& name = words[0];
  if (name == "write_reg" && words.size() >= 3) {
    return write(words);
  }
  if (name == "read_reg" && words.size() >= 4) {
    return read(words);
  }
  if (name == "wait") {
    return wait();
  }
  if ((name == "load_mem" || name == "dump_mem") && words.size() >= 4) {
    return memory(words);
  }
  return fail(Code::kCorrupt, "\"{}\" with {} words is no command", name, words.size());
}

Status TxnPlayer::play(std::string_view text) {
  MEDLAR_ASSIGN(status_address_, interrupt_status_address(*trace_.config));
  for (int line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const Words words = split(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty()) {
      continue;
    }
    if (Status done = command(words); !done) {
      return tl::unexpected<Error>(std::move(done).error().in(fmt::format("line {}", line)));
    }
  }
  return bench_.run_all();
}

}  // namespace

Status play_txn(const TraceInput& trace) {
  const ByteBuffer& bytes = trace.files->at(trace.path);
  TxnPlayer player(trace);
  return player.play({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace medlar::chip
