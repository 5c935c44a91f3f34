// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.hpp"

namespace medlar {

Result<ByteView> ByteReader::take(uint64_t size) {
  if (size > remaining()) {
    return fail(Code::kCorrupt, "{}: truncated: {} bytes wanted at offset {}, {} left", name_, size, position_, remaining());
  }
  ByteView view = bytes_.subspan(position_, size);
  position_ += size;
  return view;
}

Status ByteReader::seek(uint64_t position) {
  if (position > bytes_.size()) {
    return fail(Code::kCorrupt, "{}: offset {} lies beyond the end ({} bytes)", name_, position, bytes_.size());
  }
  position_ = position;
  return {};
}

}  // namespace medlar
