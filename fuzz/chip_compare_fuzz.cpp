// SPDX-License-Identifier: Apache-2.0
// Legal operations with random settings: a vector unit with memory in place, against the slow model through a memory of
// copies. Same registers, same bytes, same errors.
#include <fmt/format.h>

#include "fuzz/chip_convolutions.hpp"

namespace {

using namespace medlar;

constexpr size_t kPages = 160;

std::string run(chip::Chip& chip, const fuzz::ChipProgram& program) {
  for (const auto& writes : program.operations) {
    for (const auto& write : writes) {
      if (const Status done = chip.write_register(write.address, write.value); !done) {
        return done.error().message;
      }
    }
    while (true) {
      const auto ran = chip.step();
      if (!ran) {
        return ran.error().message;
      }
      if (!*ran) {
        break;
      }
    }
  }
  return "";
}

/// Status registers of the units that count.
std::vector<uint32_t> status_addresses(const hw::HwConfig& config) {
  std::vector<uint32_t> addresses;
  for (const hw::Block block : {hw::Block::kSdp, hw::Block::kSdpRdma, hw::Block::kPdp, hw::Block::kCdp, hw::Block::kGlb}) {
    const auto base = hw::block_base(block, config.register_map);
    for (const hw::RegisterInfo& info : hw::block_registers(block, config.register_map)) {
      if (info.access == hw::Access::kReadOnly || info.name == "S_INTR_STATUS") {
        addresses.push_back(*base + info.offset);
      }
    }
  }
  return addresses;
}

bool same_registers(chip::Chip& a, chip::Chip& b) {
  static std::map<std::string_view, std::vector<uint32_t>> known;
  std::vector<uint32_t>& addresses = known[a.config().name];
  if (addresses.empty()) {
    addresses = status_addresses(a.config());
  }
  return std::all_of(addresses.begin(), addresses.end(), [&](uint32_t address) {
    const auto x = a.read_register(address);
    const auto y = b.read_register(address);
    return x.has_value() == y.has_value() && (!x || *x == *y);
  });
}

/// Any of the fast units, the best one most often.
std::string_view any_isa(fuzz::Input& input) {
  const auto targets = chip::chip_targets();
  const uint32_t choice = input.choose(static_cast<uint32_t>(2 * (targets.size() - 1)));
  return targets[choice < targets.size() - 1 ? choice : 0].name;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const std::string_view isa = any_isa(input);
  const fuzz::ChipProgram program = fuzz::legal_program(input);
  fuzz::Side& fast = fuzz::side_of(*program.config, isa, kPages);
  fuzz::Side& slow = fuzz::side_of(*program.config, "reference", kPages);
  fast.restart(program, true);
  slow.restart(program, false);
  const std::string fast_error = run(fast.chip(), program);
  const std::string slow_error = run(slow.chip(), program);
  const bool same = fast_error == slow_error &&
                    (!fast_error.empty() || (fuzz::PagedMemory::same(fast.memory(), slow.memory()) &&
                                             same_registers(fast.chip(), slow.chip())));
  if (!same) {
    fmt::print(stderr, "{} on {}: '{}'\nreference: '{}'\n", isa, program.config->name, fast_error, slow_error);
  }
  static const bool show = std::getenv("MEDLAR_FUZZ_SHOW") != nullptr;
  if (show) {
    fmt::print("{} {}\n", program.config->name, fast_error.empty() ? "ran" : fast_error);
  }
  fuzz::require(same);
  return 0;
}
