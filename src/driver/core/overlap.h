/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations of a task write, and whether two that write the same bytes are ordered. */
#ifndef MEDLAR_DRIVER_CORE_OVERLAP_H
#define MEDLAR_DRIVER_CORE_OVERLAP_H
#include "driver/core/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that an operation writes: `surfaces` times `lines` times `line_bytes`. */
struct dla_extent {
  uint64_t start, bytes; /* from the first to behind the last; bytes is 0 for none */
  uint32_t line_bytes, line_stride, surf_stride;
  uint16_t lines, surfaces;
  uint16_t op;
};

/* True when some byte is in both. Exact for equal strides; extents of different strides that interleave count as
 * meeting. */
bool dla_extents_meet(const struct dla_extent* a, const struct dla_extent* b);
/* By their first byte. */
void dla_extents_sort(struct dla_extent* extents, uint32_t count);

#ifdef __cplusplus
}
#endif
#endif
