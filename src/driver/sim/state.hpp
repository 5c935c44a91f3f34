// SPDX-License-Identifier: Apache-2.0
// The kernel's insides: the calls of the interface, one function a call.
#pragma once

#include "driver/sim/files.hpp"
#include "driver/sim/kernel.hpp"
#include "driver/sim/mapping.hpp"
#include "driver/sim/peer.hpp"

#include <string_view>
#include <vector>

namespace medlar::driver {

class Kernel::State {
 public:
  State(KernelOptions options, std::unique_ptr<soc::Soc> soc);
  ~State();

  int open(std::string_view node);
  int ioctl(int fd, uint32_t request, void* argument);
  void* map(int fd, uint64_t offset, uint64_t size);

  std::unique_ptr<soc::Soc> soc;
  KernelLog log;
  LiveCounters live;
  Mappings mappings;
  std::vector<std::unique_ptr<Peer>> peers;  ///< Made when asked for; guarded by peer_mutex.
  std::mutex peer_mutex;
  std::vector<std::unique_ptr<CoreDevice>> cores;  ///< Null for a disabled one.
  FileTable files;
  medlar_kernel seam{};

  void log_boot();
  /// The latest device time of all cores.
  uint64_t time_ns() const;
  Result<Peer*> peer(std::string_view name);

 private:
  using File = std::shared_ptr<DeviceFile>;
  static constexpr uint32_t kMaxContexts = 64;  ///< Of the module; each takes an SMMU context bank.
  int query_device(const File& file, medlar_query_device& args);
  int query_counters(const File& file, medlar_query_counters& args);
  int create_context(const File& file, medlar_context& args);
  int destroy_context(const File& file, medlar_context& args);
  int create_buffer(const File& file, medlar_buffer& args);
  int export_buffer(const File& file, medlar_buffer& args);
  int import_buffer(const File& file, medlar_buffer& args);
  int map_buffer(const File& file, medlar_buffer& args);
  int destroy_buffer(const File& file, medlar_buffer& args);
  int submit(const File& file, medlar_submit& args);
  int wait_fence(const File& file, medlar_wait_fence& args);
  int add_loadable(const File& file, medlar_loadable& args);
  int remove_loadable(const File& file, medlar_loadable& args);
  int sync_buffer(const File& file, medlar_sync& args);

  /// Puts a mapping of the pages into the file's table and fills handle, size and iova.
  int add_buffer(const File& file, std::shared_ptr<Pages> pages, medlar_buffer& args);
  /// SRAM that the file's core reaches.
  uint32_t sram_bank(const DeviceFile& file) const;
  int refuse(const File& file, int error, std::string_view why);
  template <typename T>
  int call(int (State::*function)(const File&, T&), const File& file, void* argument);

  std::string profile_;
  std::string chip_;
};

}  // namespace medlar::driver
