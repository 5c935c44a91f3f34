// SPDX-License-Identifier: Apache-2.0
#include "support/test_data.hpp"

#include <cstdlib>
#include <string_view>

namespace medlar::test {

std::filesystem::path source_dir() {
  return MEDLAR_SOURCE_DIR;
}

std::optional<std::filesystem::path> reference_data(const std::string& relative) {
  const char* root = std::getenv("MEDLAR_TEST_DATA");
  if (root == nullptr || *root == '\0') {
    return std::nullopt;
  }
  std::filesystem::path path = std::filesystem::path(root) / relative;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return std::nullopt;
  }
  return path;
}

bool reference_data_required() {
  const char* value = std::getenv("MEDLAR_REQUIRE_TEST_DATA");
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace medlar::test
