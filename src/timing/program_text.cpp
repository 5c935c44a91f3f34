// SPDX-License-Identifier: Apache-2.0
// The two text forms of register traces: "write_reg ADDRESS VALUE" lines and "reg_write(NAME, VALUE);" calls.
#include "timing/program.hpp"

#include <algorithm>
#include <charconv>

namespace medlar::timing {
namespace {

/// Commands that move data or look at it: they take no modelled time.
constexpr std::string_view kSilent[] = {
    "read_reg", "load_mem", "dump_mem",  "reg_read",   "reg_read_check", "poll_reg_equal", "sync_notify",
    "mem_init", "mem_load", "check_crc", "check_file", "check_nothing",  "intr_notify",    "sync_wait"};

/// The words of a line, with blanks, parentheses, commas and semicolons between them; comments do not count.
std::vector<std::string_view> split(std::string_view line) {
  line = line.substr(0, std::min(line.find('#'), line.find("//")));
  constexpr std::string_view kBetween = " \t\r(),;";
  std::vector<std::string_view> words;
  for (size_t first = line.find_first_not_of(kBetween); first != std::string_view::npos;
       first = line.find_first_not_of(kBetween)) {
    line.remove_prefix(first);
    const size_t end = std::min(line.find_first_of(kBetween), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

Result<uint32_t> number(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const char* const first = text.data() + (hex ? 2 : 0);
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(first, text.data() + text.size(), value, hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(Code::kCorrupt, "\"{}\" is no 32-bit number", text);
  }
  return value;
}

Status take_line(ProgramReader& reader, const std::vector<std::string_view>& words, uint64_t line,
                 const hw::HwConfig& config) {
  const std::string_view name = words[0];
  if (name == "wait") {
    reader.wait();
    return {};
  }
  if (name == "write_reg" && words.size() >= 3) {
    MEDLAR_ASSIGN(const uint32_t bus, number(words[1]));
    MEDLAR_ASSIGN(const uint32_t value, number(words[2]));
    return reader.write((bus & 0xffff) << 2, value, line);  // a word address below side-band bits
  }
  if (name == "reg_write" && words.size() >= 3) {
    const auto found = hw::find_register(words[1], config.register_map);
    if (!found) {
      return fail(Code::kCorrupt, "\"{}\" is no register of {}", words[1], config.name);
    }
    MEDLAR_ASSIGN(const uint32_t value, number(words[2]));
    return reader.write(found->address, value, line);
  }
  if (std::find(std::begin(kSilent), std::end(kSilent), name) != std::end(kSilent)) {
    return {};
  }
  return fail(Code::kCorrupt, "\"{}\" with {} words is no trace command", name, words.size());
}

}  // namespace

Result<std::vector<ProgramOp>> parse_program(std::string_view text, const hw::HwConfig& config) {
  ProgramReader reader(config);
  for (uint64_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const auto words = split(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty()) {
      continue;
    }
    if (Status taken = take_line(reader, words, line, config); !taken) {
      return tl::unexpected<Error>(std::move(taken).error().in(fmt::format("line {}", line)));
    }
  }
  return reader.finish();
}

}  // namespace medlar::timing
