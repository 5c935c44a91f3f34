// SPDX-License-Identifier: Apache-2.0
// spec/rtl_runs.tar.xz, compiled in: cycles.tsv and programs/<name>/input.txn.
#pragma once

#include <cstddef>
#include <span>

namespace medlar::profile {

std::span<const std::byte> rtl_runs_archive();

}  // namespace medlar::profile
