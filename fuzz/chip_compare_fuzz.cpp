// SPDX-License-Identifier: Apache-2.0
// Legal operations with random settings: the best vector unit with memory in place, against the slow model through a
// memory of copies. Same registers, same bytes, same errors.
#include <fmt/format.h>

#include "chip/chip_target.hpp"
#include "fuzz/chip_operations.hpp"
#include "fuzz/chip_program.hpp"

namespace {

using namespace medlar;

/// A chip of its own over a memory of its own.
struct Side {
  Side(const fuzz::ChipProgram& program, std::string_view isa, bool in_place) : chip(*program.config, memory, isa) {
    memory.allow_views(in_place);
    fuzz::fill_memory(memory, program.seed);
  }
  std::string run(const fuzz::ChipProgram& program) {
    for (const auto& write : program.writes) {
      if (const Status done = chip.write_register(write.address, write.value); !done) {
        return done.error().message;
      }
    }
    while (true) {
      const auto ran = chip.step();
      if (!ran || !*ran) {
        return ran ? "" : ran.error().message;
      }
    }
  }

  chip::FlatMemory memory{0x5a, 24};
  chip::Chip chip;
};

bool same_memory(Side& a, Side& b) {
  constexpr uint64_t kBytes = fuzz::kComparedBytes;
  std::vector<uint8_t> x(kBytes);
  std::vector<uint8_t> y(kBytes);
  for (const uint64_t region : {fuzz::kSource, fuzz::kWeights, fuzz::kOperands, fuzz::kResult}) {
    const bool readable = a.memory.read(chip::Ram::kDram, region, x) && b.memory.read(chip::Ram::kDram, region, y);
    if (!readable || x != y) {
      return false;
    }
  }
  return true;
}

/// Status registers of the units that count.
bool same_registers(Side& a, Side& b, const hw::HwConfig& config) {
  for (const hw::Block block : {hw::Block::kSdp, hw::Block::kSdpRdma, hw::Block::kPdp, hw::Block::kCdp, hw::Block::kGlb}) {
    const auto base = hw::block_base(block, config.register_map);
    for (const hw::RegisterInfo& info : hw::block_registers(block, config.register_map)) {
      const auto x = a.chip.read_register(*base + info.offset);
      const auto y = b.chip.read_register(*base + info.offset);
      if (x.has_value() != y.has_value() || (x && *x != *y)) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const fuzz::ChipProgram program = fuzz::legal_program(input);
  Side fast(program, chip::chip_targets().front().name, true);
  Side slow(program, "reference", false);
  const std::string fast_error = fast.run(program);
  const std::string slow_error = slow.run(program);
  if (fast_error != slow_error) {
    fmt::print(stderr, "fast: {}\nslow: {}\n", fast_error, slow_error);
  }
  fuzz::require(fast_error == slow_error);
  fuzz::require(!fast_error.empty() || (same_memory(fast, slow) && same_registers(fast, slow, *program.config)));
  return 0;
}
