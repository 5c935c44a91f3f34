// SPDX-License-Identifier: Apache-2.0
// Register names and addresses of the reference vectors agree with the tables.
#include "hw/config.hpp"
#include "support/test_data.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace medlar::hw {
namespace {

/// The first `limit` JSON files of a .tar.xz.
std::map<std::string, nlohmann::json> json_files(const std::filesystem::path& path, size_t limit) {
  std::map<std::string, nlohmann::json> files;
  archive* reader = archive_read_new();
  archive_read_support_format_all(reader);
  archive_read_support_filter_all(reader);
  EXPECT_EQ(archive_read_open_filename(reader, path.c_str(), 1 << 16), ARCHIVE_OK) << path;
  archive_entry* entry = nullptr;
  while (files.size() < limit && archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
    const std::string name = archive_entry_pathname(entry);
    if (!name.ends_with(".json")) {
      continue;
    }
    std::string text(static_cast<size_t>(archive_entry_size(entry)), '\0');
    EXPECT_EQ(archive_read_data(reader, text.data(), text.size()), static_cast<la_ssize_t>(text.size()));
    files[name] = nlohmann::json::parse(text);
  }
  archive_read_free(reader);
  return files;
}

/// Numbers of registers are written as "0x..." strings.
uint32_t number(const nlohmann::json& value) {
  return value.is_string() ? static_cast<uint32_t>(std::stoul(value.get<std::string>(), nullptr, 0))
                           : value.get<uint32_t>();
}

void check_registers(const std::filesystem::path& path, const char* key, RegisterMap map,
                     const nlohmann::json& file) {
  for (const auto& write : file.value(key, nlohmann::json::array())) {
    const std::string name = write.at(0);
    const uint32_t address = number(write.at(1)), value = number(write.at(2));
    const auto by_name = find_register(name, map);
    ASSERT_TRUE(by_name) << path << ' ' << name;
    EXPECT_EQ(by_name->address, address) << path << ' ' << name;
    const auto by_address = find_register(address, map);
    ASSERT_TRUE(by_address) << path << ' ' << address;
    EXPECT_EQ(by_address->info, by_name->info);
    uint32_t known = 0;
    for (const FieldInfo& f : by_name->info->fields) {
      known |= f.mask();
    }
    EXPECT_EQ(value & ~known, 0u) << disassemble(by_name->block, by_name->info->offset, value, map);
  }
}

/// Every "NVDLA_BLOCK.REGISTER_0" of a trace's text; comments add ".FIELD:value".
std::set<std::string> trace_names(const std::string& text) {
  std::set<std::string> names;
  for (size_t at = text.find("NVDLA_"); at != std::string::npos; at = text.find("NVDLA_", at + 1)) {
    const size_t end = text.find_first_of(":,) \t\r\n", at);
    const std::string name = text.substr(at, end - at);
    if (name.find('.') != std::string::npos) {
      names.insert(name);
    }
  }
  return names;
}

/// The register that a name of a trace means, and its field when the name has one.
void check_trace_name(const std::string& name) {
  const size_t field_dot = name.find('.', name.find('.') + 1);
  const std::string register_name = name.substr(0, field_dot);
  const auto found = find_register(register_name, RegisterMap::kV2);
  ASSERT_TRUE(found) << name;
  EXPECT_EQ("NVDLA_" + std::string(block_name(found->block)) + "." + std::string(found->info->name) + "_0",
            register_name);
  if (field_dot != std::string::npos) {
    const auto& fields = found->info->fields;
    const bool known = std::any_of(fields.begin(), fields.end(),
                                   [&](const auto& f) { return f.name == name.substr(field_dot + 1); });
    EXPECT_TRUE(known) << name;
  }
}

TEST(TraceRegisters, EveryNameOfTheOfficialTracesIsKnown) {
  MEDLAR_REFERENCE_DATA(path, "nvdla/nvdla_hw_traces_master.tar.xz");
  std::set<std::string> names;
  archive* reader = archive_read_new();
  archive_read_support_format_all(reader);
  archive_read_support_filter_all(reader);
  ASSERT_EQ(archive_read_open_filename(reader, path.c_str(), 1 << 16), ARCHIVE_OK);
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
    if (std::string_view(archive_entry_pathname(entry)).ends_with(".cfg")) {
      std::string text(static_cast<size_t>(archive_entry_size(entry)), '\0');
      ASSERT_EQ(archive_read_data(reader, text.data(), text.size()), static_cast<la_ssize_t>(text.size()));
      names.merge(trace_names(text));
    }
  }
  archive_read_free(reader);
  EXPECT_GT(names.size(), 150u);
  for (const std::string& name : names) {
    check_trace_name(name);
  }
}

class VectorRegisters : public testing::TestWithParam<const char*> {};

TEST_P(VectorRegisters, AgreeWithTheTables) {
  MEDLAR_REFERENCE_DATA(path, std::string("vectors/") + GetParam() + ".tar.xz");
  const auto files = json_files(path, 4);
  EXPECT_FALSE(files.empty());
  for (const auto& [name, file] : files) {
    const auto config = find_config(file.at("config").get<std::string>());
    ASSERT_TRUE(config) << config.error().message;
    check_registers(path, "registers", (*config)->register_map, file);
    check_registers(path, "expect_registers", (*config)->register_map, file);
  }
}

INSTANTIATE_TEST_SUITE_P(Archives, VectorRegisters,
                         testing::Values("nv_full_bdma", "nv_full_rubik", "nv_full_cdp", "nv_full_pdp",
                                         "nv_full_sdp_int8", "nv_full_image", "nv_small_sdp_pdp",
                                         "nv_small_256_full_cdp", "nv_large_reuse"),
                         [](const auto& param_info) { return std::string(param_info.param); });

}  // namespace
}  // namespace medlar::hw
