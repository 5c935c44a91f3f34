// SPDX-License-Identifier: Apache-2.0
// An owned descriptor of the kernel interface, and the translation of the kernel's error numbers.
#pragma once

#include "base/status.hpp"
#include "uapi/medlar_uapi.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace medlar::umd {

/// Closes its descriptor. Thread-safe to use, not to move while in use.
class KernelFd {
 public:
  KernelFd() = default;
  KernelFd(const medlar_kernel& kernel, int fd) : kernel_(&kernel), fd_(fd) {}
  KernelFd(KernelFd&& other) noexcept : kernel_(other.kernel_), fd_(other.release()) {}
  KernelFd& operator=(KernelFd&& other) noexcept;
  KernelFd(const KernelFd&) = delete;
  KernelFd& operator=(const KernelFd&) = delete;
  ~KernelFd();

  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }
  const medlar_kernel& kernel() const { return *kernel_; }
  /// Gives up ownership.
  int release();

  /// 0 (or what the request returns) or a negative medlar_errno. `Args` starts with struct_size, which is
  /// filled in.
  template <typename Args>
  int call(medlar_request request, Args& args) const {
    args.struct_size = sizeof(Args);
    return kernel_->ioctl(kernel_->self, fd_, request, &args);
  }

 private:
  const medlar_kernel* kernel_ = nullptr;
  int fd_ = -1;
};

/// "ENOMEM" for -MEDLAR_ENOMEM or MEDLAR_ENOMEM.
std::string_view errno_name(int error);
Code errno_code(int error);

/// "nvhost-nvdla0: create context: ENODEV".
tl::unexpected<Error> kernel_error(std::string_view what, int error);

}  // namespace medlar::umd
