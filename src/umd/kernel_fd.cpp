// SPDX-License-Identifier: Apache-2.0
#include "umd/kernel_fd.hpp"

#include <cstdlib>
#include <utility>

namespace medlar::umd {

KernelFd& KernelFd::operator=(KernelFd&& other) noexcept {
  if (this != &other) {
    KernelFd old(std::move(*this));
    kernel_ = other.kernel_;
    fd_ = other.release();
  }
  return *this;
}

KernelFd::~KernelFd() {
  if (fd_ >= 0) {
    kernel_->close(kernel_->self, fd_);
  }
}

int KernelFd::release() {
  return std::exchange(fd_, -1);
}

std::string_view errno_name(int error) {
  switch (std::abs(error)) {
    case MEDLAR_EPERM:
      return "EPERM";
    case MEDLAR_ENOENT:
      return "ENOENT";
    case MEDLAR_EIO:
      return "EIO";
    case MEDLAR_EBADF:
      return "EBADF";
    case MEDLAR_EAGAIN:
      return "EAGAIN";
    case MEDLAR_ENOMEM:
      return "ENOMEM";
    case MEDLAR_EACCES:
      return "EACCES";
    case MEDLAR_EFAULT:
      return "EFAULT";
    case MEDLAR_EBUSY:
      return "EBUSY";
    case MEDLAR_ENODEV:
      return "ENODEV";
    case MEDLAR_EINVAL:
      return "EINVAL";
    case MEDLAR_EMFILE:
      return "EMFILE";
    case MEDLAR_ENOTTY:
      return "ENOTTY";
    case MEDLAR_ENOSPC:
      return "ENOSPC";
    case MEDLAR_ERANGE:
      return "ERANGE";
    case MEDLAR_ETIME:
      return "ETIME";
    case MEDLAR_EOPNOTSUPP:
      return "EOPNOTSUPP";
    case MEDLAR_ECANCELED:
      return "ECANCELED";
    default:
      return "unknown error";
  }
}

Code errno_code(int error) {
  switch (std::abs(error)) {
    case MEDLAR_ENOENT:
    case MEDLAR_ENODEV:
      return Code::kNotFound;
    case MEDLAR_EIO:
    case MEDLAR_EPERM:
    case MEDLAR_EACCES:
    case MEDLAR_EFAULT:
      return Code::kFault;
    case MEDLAR_EAGAIN:
    case MEDLAR_ENOMEM:
    case MEDLAR_EBUSY:
    case MEDLAR_EMFILE:
    case MEDLAR_ENOSPC:
      return Code::kResourceExhausted;
    case MEDLAR_EBADF:
    case MEDLAR_EINVAL:
      return Code::kInvalidArgument;
    case MEDLAR_ENOTTY:
    case MEDLAR_EOPNOTSUPP:
      return Code::kUnsupported;
    case MEDLAR_ERANGE:
      return Code::kOutOfRange;
    case MEDLAR_ETIME:
      return Code::kTimeout;
    case MEDLAR_ECANCELED:
      return Code::kCancelled;
    default:
      return Code::kInternal;
  }
}

tl::unexpected<Error> kernel_error(std::string_view what, int error) {
  return fail(errno_code(error), "{}: {}", what, errno_name(error));
}

}  // namespace medlar::umd
