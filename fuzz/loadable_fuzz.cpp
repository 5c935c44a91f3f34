// SPDX-License-Identifier: Apache-2.0
// Any bytes as a loadable: an error, or something that verifies, survives a round trip, upgrades and prints.
#include "loadable/emu.hpp"
#include "loadable/loadable.hpp"
#include "loadable/upgrade.hpp"

#include <cstdlib>

using medlar::loadable::Loadable;

namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();  // What a fuzzer calls a finding.
  }
}

void use(const Loadable& loadable) {
  const auto again = medlar::loadable::read(medlar::loadable::write(loadable), "again");
  require(again.has_value() && *again == loadable);
  require(!medlar::loadable::to_text(loadable).empty());
  const auto current = medlar::loadable::upgrade(loadable);
  if (current) {
    require(medlar::loadable::verify(*current).has_value());
    for (size_t task = 0; task < current->tasks.size(); ++task) {
      static_cast<void>(medlar::loadable::decode_emu_task(*current, task));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto loadable = medlar::loadable::read({data, size}, "fuzz");
  if (loadable) {
    use(*loadable);
  }
  return 0;
}
