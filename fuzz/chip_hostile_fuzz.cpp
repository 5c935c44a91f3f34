// SPDX-License-Identifier: Apache-2.0
// Any register program on any configuration, made up or a legal one with some of its writes changed: every access and every
// operation gives a result or an error with a text, and reset helps afterwards.
#include "fuzz/chip_convolutions.hpp"

namespace {

using namespace medlar;

constexpr size_t kPages = 96;

void run_operations(chip::Chip& chip) {
  while (true) {
    const auto ran = chip.step();
    if (!ran) {
      fuzz::require(!ran.error().message.empty());
      chip.reset();
      return;
    }
    if (!*ran) {
      return;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const uint32_t kind = input.byte();
  fuzz::ChipProgram program = kind % 4 == 0 ? fuzz::random_program(input) : fuzz::legal_program(input);
  if (kind % 4 != 0) {
    fuzz::make_hostile(input, program);
  }
  fuzz::Side& side = fuzz::side_of(*program.config, chip::chip_targets().front().name, kPages);
  side.restart(program, kind % 8 < 6);
  for (const auto& writes : program.operations) {
    for (const auto& write : writes) {
      if (const Status done = side.chip().write_register(write.address, write.value); !done) {
        fuzz::require(!done.error().message.empty());
        (void)side.chip().read_register(write.address);
      }
    }
    run_operations(side.chip());
  }
  side.chip().reset();
  fuzz::require(!side.chip().interrupt());
  return 0;
}
