// SPDX-License-Identifier: Apache-2.0
// Other engines of the module (GPU, CPU, ISP, VI) that share buffers with the DLA: what their drivers do with a dma-buf.
#pragma once

#include "driver/sim/buffer.hpp"

#include <memory>
#include <mutex>
#include <string_view>

namespace medlar::driver {

/// One engine with an address space of its own. Thread-safe, except that accesses come from one thread at a time.
class Peer {
 public:
  static Result<std::unique_ptr<Peer>> create(soc::Soc& soc, LiveCounters& live, const soc::PeerEngine& engine);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  std::string_view name() const { return engine_.name; }
  /// Maps shared pages; the mapping ends with the buffer.
  Result<std::shared_ptr<Buffer>> attach(std::shared_ptr<Pages> pages, bool writable);
  /// Memory of the engine's own, from the CUDA share (GPU) or DRAM.
  Result<std::shared_ptr<Buffer>> allocate(uint64_t bytes);
  /// An access by the engine at an address of its own space, through the SMMU.
  Status read(soc::Iova iova, std::span<uint8_t> out);
  Status write(soc::Iova iova, std::span<const uint8_t> in);
  soc::Traffic traffic() const { return engine_.port->traffic(); }

 private:
  Peer(soc::Soc& soc, LiveCounters& live, const soc::PeerEngine& engine, std::shared_ptr<AddressSpace> space);

  soc::Soc& soc_;
  LiveCounters& live_;
  const soc::PeerEngine& engine_;
  std::shared_ptr<AddressSpace> space_;
};

}  // namespace medlar::driver
