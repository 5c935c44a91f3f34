// SPDX-License-Identifier: Apache-2.0
// A simulated module with its kernel, as the tests of the whole stack need it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "driver/sim/kernel.hpp"

namespace medlar::test {

class Machine {
 public:
  /// By profile, e.g. "nvdla-nv_small".
  static Result<std::unique_ptr<Machine>> create(std::string_view profile);

  const medlar_kernel& api() const { return *kernel_->seam(); }
  driver::Kernel& kernel() { return *kernel_; }
  /// What the kernel logged so far, warnings and errors.
  std::string log() const;

 private:
  Machine() = default;

  mutable std::mutex mutex_;
  std::string log_;
  std::unique_ptr<driver::Kernel> kernel_;  ///< Last: it logs until it is gone.
};

}  // namespace medlar::test
