// SPDX-License-Identifier: Apache-2.0
// NVIDIA's regression loadables with their goldens, and loadables of NVIDIA's compiler with reference
// outputs.
#pragma once

#include "base/bytes.hpp"
#include "support/test_data.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace medlar::test {

inline constexpr const char* kRegressionArchive = "nvdla/nvdla_sw_regression.tar.xz";
inline constexpr const char* kFp16Archive = "nvdla/loadables_fp16.tar.xz";

/// Regular files of an archive by their path inside it.
using ArchiveFiles = std::map<std::string, ByteBuffer>;
Result<ArchiveFiles> read_archive(const std::filesystem::path& path);

/// Every loadable of the two archives that is present, name to bytes ("CONV_D_L0_0_small", "lenet").
/// Unpacked once.
const std::map<std::string, ByteBuffer>& all_loadables();

}  // namespace medlar::test

/// Binds `var` to all_loadables(), or skips (fails where data is required) when an archive is absent.
#define MEDLAR_OFFICIAL_LOADABLES(var)                                         \
  MEDLAR_REFERENCE_DATA(var##_regression, ::medlar::test::kRegressionArchive); \
  MEDLAR_REFERENCE_DATA(var##_fp16, ::medlar::test::kFp16Archive);             \
  static_cast<void>(var##_regression);                                         \
  static_cast<void>(var##_fp16);                                               \
  const std::map<std::string, ::medlar::ByteBuffer>& var = ::medlar::test::all_loadables()
