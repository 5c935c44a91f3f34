// SPDX-License-Identifier: Apache-2.0
#include "sample/npz.hpp"

#include <memory>

#include <archive.h>
#include <archive_entry.h>

#include "sample/npy.hpp"

namespace medlar::sample {
namespace {

using Writer = std::unique_ptr<struct archive, int (*)(struct archive*)>;
using Entry = std::unique_ptr<struct archive_entry, void (*)(struct archive_entry*)>;
constexpr int kFileMode = 0644;

la_ssize_t append(struct archive*, void* target, const void* bytes, size_t size) {
  auto& out = *static_cast<ByteBuffer*>(target);
  const auto* from = static_cast<const uint8_t*>(bytes);
  out.insert(out.end(), from, from + size);
  return static_cast<la_ssize_t>(size);
}

tl::unexpected<Error> writer_error(const Writer& writer) {
  const char* reason = archive_error_string(writer.get());
  return fail(Code::kIo, "cannot write an archive: {}", reason != nullptr ? reason : "unknown reason");
}

Status write_entry(const Writer& writer, const std::string& name, const ByteBuffer& bytes) {
  const Entry entry(archive_entry_new(), archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), kFileMode);
  if (archive_write_header(writer.get(), entry.get()) != ARCHIVE_OK ||
      archive_write_data(writer.get(), bytes.data(), bytes.size()) != static_cast<la_ssize_t>(bytes.size())) {
    return writer_error(writer);
  }
  return {};
}

}  // namespace

Result<ByteBuffer> npz_bytes(const std::map<std::string, graph::Tensor>& tensors) {
  ByteBuffer out;
  Writer writer(archive_write_new(), archive_write_free);
  archive_write_set_format_zip(writer.get());
  archive_write_zip_set_compression_store(writer.get());
  archive_write_set_bytes_in_last_block(writer.get(), 1);
  if (archive_write_open2(writer.get(), &out, nullptr, append, nullptr, nullptr) != ARCHIVE_OK) {
    return writer_error(writer);
  }
  for (const auto& [name, tensor] : tensors) {
    MEDLAR_ASSIGN(const ByteBuffer bytes, npy_bytes(tensor));
    MEDLAR_TRY(write_entry(writer, name + ".npy", bytes));
  }
  if (archive_write_close(writer.get()) != ARCHIVE_OK) {
    return writer_error(writer);
  }
  return out;
}

}  // namespace medlar::sample
