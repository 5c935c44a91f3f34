// SPDX-License-Identifier: Apache-2.0
#include "loadable/relocate.hpp"

#include "base/checked.hpp"

#include <algorithm>

namespace medlar::loadable {
namespace {

/// The bytes of the blob that covers byte `offset` of a memory, from there on.
Result<MutableBytes> word_at(Loadable& l, const Memory& memory, uint64_t offset) {
  for (const Content& content : memory.contents) {
    const auto blob = std::ranges::find(l.blobs, content.blob, &Blob::name);
    if (blob == l.blobs.end() || offset < content.offset) {
      continue;
    }
    if (range_inside(offset - content.offset, sizeof(uint32_t), blob->data.size())) {
      return MutableBytes(blob->data).subspan(offset - content.offset, sizeof(uint32_t));
    }
  }
  return fail(Code::kCorrupt, "no blob covers the relocated word at {}", offset);
}

/// Bytes that the tensor takes with these strides.
Result<uint64_t> size_with(const Tensor& t, const Strides& s) {
  const auto w = static_cast<uint64_t>(t.w), h = static_cast<uint64_t>(t.h), n = static_cast<uint64_t>(t.n);
  const uint64_t old_row = t.strides[1];
  if (s.line < old_row) {
    return fail(Code::kInvalidArgument, "tensor '{}': line stride {} is shorter than the row of {} bytes",
                t.name, s.line, old_row);
  }
  if (t.category == DataCategory::kImage) {
    return n * h * s.line;
  }
  if (s.surface < h * s.line) {
    return fail(Code::kInvalidArgument, "tensor '{}': surface stride {} is shorter than {} lines of {} bytes",
                t.name, s.surface, h, s.line);
  }
  const uint64_t atom = std::max<uint64_t>(old_row / w, 1);
  const uint64_t surfaces =
      ceil_div<uint64_t>(static_cast<uint64_t>(t.c) * std::max<uint32_t>(t.strides[0], 1), atom);
  return n * surfaces * s.surface;
}

}  // namespace

Status set_strides(Loadable& loadable, size_t tensor, const Strides& strides) {
  if (tensor >= loadable.tensors.size()) {
    return fail(Code::kOutOfRange, "tensor {} of {}", tensor, loadable.tensors.size());
  }
  Tensor& t = loadable.tensors[tensor];
  MEDLAR_ASSIGN(const uint64_t size, size_with(t, strides));
  for (const Reloc& reloc : loadable.relocs) {
    if (loadable.addresses[reloc.address].memory != t.memory) {
      continue;
    }
    if (reloc.type != RelocType::kLine && reloc.type != RelocType::kSurface) {
      return fail(Code::kUnsupported, "tensor '{}': relocation type {}", t.name,
                  static_cast<int>(reloc.type));
    }
    MEDLAR_ASSIGN(const MutableBytes word,
                  word_at(loadable, loadable.memories[reloc.write_id], reloc.offset));
    store_le(word.data(), reloc.type == RelocType::kLine ? strides.line : strides.surface);
  }
  t.strides[1] = strides.line;
  t.strides[2] = t.category == DataCategory::kImage ? t.strides[2] : strides.surface;
  t.size = std::max(t.size, size);
  loadable.memories[t.memory].size = std::max(loadable.memories[t.memory].size, t.offset + t.size);
  return verify(loadable);
}

}  // namespace medlar::loadable
