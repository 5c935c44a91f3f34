// SPDX-License-Identifier: Apache-2.0
// Where tests find their data.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace medlar::test {

/// Root of the source tree (the project's own small data lies below it).
std::filesystem::path source_dir();

/// Path of `relative` below the reference data that MEDLAR_TEST_DATA names (official traces, vectors, models);
/// empty when the variable is unset or the file is absent.
std::optional<std::filesystem::path> reference_data(const std::string& relative);

/// True when missing reference data is a failure (MEDLAR_REQUIRE_TEST_DATA=1, set in CI).
bool reference_data_required();

}  // namespace medlar::test

/// Binds `var` to the path of reference data, or skips the test by name (fails it where the data is required).
#define MEDLAR_REFERENCE_DATA(var, relative)                                                              \
  const auto var##_found = ::medlar::test::reference_data(relative);                                      \
  if (!var##_found) {                                                                                     \
    if (::medlar::test::reference_data_required()) {                                                      \
      GTEST_FAIL() << "reference data required but absent: " << (relative);                               \
    }                                                                                                     \
    GTEST_SKIP() << "reference data absent (set MEDLAR_TEST_DATA): " << (relative);                       \
  }                                                                                                       \
  const std::filesystem::path& var = *var##_found
