// SPDX-License-Identifier: Apache-2.0
#include "timing/memory_system.hpp"

#include <charconv>
#include <optional>

namespace medlar::timing {
namespace {

/// Takes "<prefix><number>" off the front.
std::optional<uint32_t> take_number(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) {
    return std::nullopt;
  }
  uint32_t value = 0;
  const char* const first = text.data() + prefix.size();
  const auto [end, error] = std::from_chars(first, text.data() + text.size(), value);
  if (error != std::errc() || value == 0) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

}  // namespace

Result<Machine> machine_of_memory(const hw::HwConfig& config, std::string_view memory) {
  const double beat = config.dbb.bytes_per_cycle();
  if (memory == "nvidia-axi") {
    // A read request every second cycle: DBB reads single beats, CVSRAM bursts of four.
    return machine_of(config, {1.5 * beat, 0.5 * beat, 32, 0.5 * beat}, {2 * beat, beat, 32, beat});
  }
  std::string_view rest = memory;
  const auto latency = take_number(rest, "timed-lat");
  const auto bytes = latency ? take_number(rest, "-") : std::nullopt;
  if (!bytes || rest != "B") {
    return fail(Code::kInvalidArgument,
                "memory system \"{}\": unknown; known are nvidia-axi and timed-lat<cycles>-<bytes>B, e.g. "
                "timed-lat64-64B",
                memory);
  }
  const double rate = *bytes;
  const MemoryModel both{rate >= beat ? 2 * beat : rate, std::min(rate, beat), static_cast<double>(*latency),
                         std::min(rate, beat)};
  return machine_of(config, both, both);
}

}  // namespace medlar::timing
