// SPDX-License-Identifier: Apache-2.0
// Host memory behind a simulated memory.
#include "soc/backing.hpp"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace medlar::soc {

Result<std::unique_ptr<Backing>> Backing::create(const std::string& name, uint64_t bytes) {
  const int fd = memfd_create(name.c_str(), MFD_CLOEXEC);
  if (fd < 0) {
    return fail(Code::kIo, "{}: memfd_create: {}", name, std::strerror(errno));
  }
  void* data = MAP_FAILED;
  if (ftruncate(fd, static_cast<off_t>(bytes)) == 0) {
    data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
  }
  if (data == MAP_FAILED) {
    const int error = errno;
    close(fd);
    return fail(Code::kIo, "{}: cannot map {} bytes of host memory: {}", name, bytes, std::strerror(error));
  }
  return std::unique_ptr<Backing>(new Backing(fd, static_cast<uint8_t*>(data), bytes));
}

Backing::~Backing() {
  munmap(data_, size_);
  close(fd_);
}

void Backing::discard(uint64_t offset, uint64_t bytes) {
  if (madvise(data_ + offset, bytes, MADV_REMOVE) != 0) {
    std::memset(data_ + offset, 0, bytes);  // a host file system without holes
  }
}

}  // namespace medlar::soc
