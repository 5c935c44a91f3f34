// SPDX-License-Identifier: Apache-2.0
// Other engines of the module.
#include "driver/sim/peer.hpp"

namespace medlar::driver {

Peer::Peer(soc::Soc& soc, LiveCounters& live, const soc::PeerEngine& engine, std::shared_ptr<AddressSpace> space)
    : soc_(soc), live_(live), engine_(engine), space_(std::move(space)) {
  soc_.smmu().bind(engine_.port->stream(), space_->bank());
}

Peer::~Peer() {
  soc_.smmu().bind(engine_.port->stream(), 0);
}

Result<std::unique_ptr<Peer>> Peer::create(soc::Soc& soc, LiveCounters& live, const soc::PeerEngine& engine) {
  MEDLAR_ASSIGN(auto space, AddressSpace::create(soc, engine.port->stream()));
  return std::unique_ptr<Peer>(new Peer(soc, live, engine, std::move(space)));
}

Result<std::shared_ptr<Buffer>> Peer::attach(std::shared_ptr<Pages> pages, bool writable) {
  if (pages->sram()) {
    return fail(Code::kUnsupported, "{}: SRAM of a DLA core is not on its bus", engine_.name);
  }
  return Buffer::create(space_, std::move(pages), writable, live_);
}

Result<std::shared_ptr<Buffer>> Peer::allocate(uint64_t bytes) {
  const bool cuda = engine_.port->stream() == soc::kGpuStream;
  MEDLAR_ASSIGN(auto pages,
                Pages::allocate(soc_.memory(), live_, {cuda ? soc::Pool::kCuda : soc::Pool::kPages, 0}, bytes));
  return Buffer::create(space_, std::move(pages), true, live_);
}

Status Peer::read(soc::Iova iova, std::span<uint8_t> out) {
  return engine_.port->read(chip::Ram::kDram, iova.value, out);
}

Status Peer::write(soc::Iova iova, std::span<const uint8_t> in) {
  return engine_.port->write(chip::Ram::kDram, iova.value, in);
}

}  // namespace medlar::driver
