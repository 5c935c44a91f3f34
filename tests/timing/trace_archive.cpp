// SPDX-License-Identifier: Apache-2.0
#include "trace_archive.hpp"

#include <archive.h>
#include <archive_entry.h>

namespace medlar::test {

std::map<std::string, std::string> read_programs(const std::filesystem::path& path) {
  std::map<std::string, std::string> programs;
  archive* reader = archive_read_new();
  archive_read_support_format_all(reader);
  archive_read_support_filter_all(reader);
  archive_entry* entry = nullptr;
  if (archive_read_open_filename(reader, path.c_str(), 1 << 16) == ARCHIVE_OK) {
    while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
      const std::filesystem::path name = archive_entry_pathname(entry);
      if (name.filename() == "input.txn") {
        std::string text(static_cast<size_t>(archive_entry_size(entry)), '\0');
        archive_read_data(reader, text.data(), text.size());
        programs[name.parent_path().filename().string()] = std::move(text);
      }
    }
  }
  archive_read_free(reader);
  return programs;
}

}  // namespace medlar::test
