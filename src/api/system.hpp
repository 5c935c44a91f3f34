// SPDX-License-Identifier: Apache-2.0
// A module as its administrator sees it: the kernel's log, its files, and what is wrong.
#pragma once

#include "api/module.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace medlar::api {

struct SystemRequest {
  std::string device = {};           ///< Empty: the one that `file` was made for, else the default device.
  ModuleOptions module = {};
  std::filesystem::path file = {};   ///< Engine or NVDLA loadable to run once, with inputs of zeros; empty: none.
  std::chrono::milliseconds idle{0};  ///< Modelled time that passes between the run's end and the look.
};

/// A booted module that has run what it was asked to run. A run that failed is a state to look at, not an error.
struct System {
  std::shared_ptr<Module> module;
  Status run;  ///< How the file ended.
};
Result<System> bring_up(const SystemRequest& request);

/// One run of an NVDLA loadable on inputs of zeros.
Status run_zeros(Module& module, ByteView loadable, const std::string& name);

/// The kernel's log: one line each, stamped with modelled device time.
std::string log_text(const System& system);

/// A file's contents; or the names below a folder, one a line; a pattern (*, ?) prints each file that matches, named when
/// there are several. Empty: all paths. kNotFound names the path.
Result<std::string> sysfs_text(const System& system, std::string_view path);

}  // namespace medlar::api
