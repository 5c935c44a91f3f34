// SPDX-License-Identifier: Apache-2.0
// Any register program on any configuration: every access and every operation gives a result or an error with a text,
// and reset helps afterwards.
#include "fuzz/chip_program.hpp"

namespace {

using namespace medlar;

void run(chip::Chip& chip, const fuzz::ChipProgram& program) {
  for (const auto& write : program.writes) {
    if (const Status done = chip.write_register(write.address, write.value); !done) {
      fuzz::require(!done.error().message.empty());
    }
    (void)chip.read_register(write.address);
    const auto ran = chip.step();
    if (!ran) {
      fuzz::require(!ran.error().message.empty());
      chip.reset();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const fuzz::ChipProgram program = fuzz::hostile_program(input);
  constexpr size_t kPages = 24;
  chip::FlatMemory memory(0, kPages);
  memory.allow_views(program.seed % 2 == 0);
  fuzz::fill_memory(memory, program.seed);
  chip::Chip chip(*program.config, memory);
  run(chip, program);
  chip.reset();
  fuzz::require(!chip.interrupt());
  return 0;
}
