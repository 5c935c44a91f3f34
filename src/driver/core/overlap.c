/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of bytes that operations write. */
#include "driver/core/overlap.h"

static int64_t floor_div(int64_t a, int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* Lines of a surface of a, and of one of b that starts `delta` bytes behind it. Line k of a meets some line of b when
 *   k * stride - wb < delta + z * stride < k * stride + wa   for a z in [0, hb)
 * so with d = k - z: delta - wa < d * stride < delta + wb, and -hb < d < ha. */
static bool surfaces_meet(const struct dla_extent* a, const struct dla_extent* b, int64_t delta) {
  const int64_t wa = a->line_bytes;
  const int64_t wb = b->line_bytes;
  if (a->lines > 1 && b->lines > 1 && a->line_stride != b->line_stride) {
    const int64_t end_a = (int64_t)(a->lines - 1) * a->line_stride + wa;
    const int64_t end_b = (int64_t)(b->lines - 1) * b->line_stride + wb;
    return delta < end_a && -delta < end_b;
  }
  const int64_t stride = a->lines > 1 ? a->line_stride : b->line_stride;
  if (a->lines == 1 && b->lines == 1) {
    return delta < wa && -delta < wb;
  }
  if (stride == 0) {
    return true;
  }
  int64_t low = floor_div(delta - wa, stride) + 1;
  int64_t high = floor_div(delta + wb - 1, stride);
  low = low < 1 - (int64_t)b->lines ? 1 - (int64_t)b->lines : low;
  high = high > (int64_t)a->lines - 1 ? (int64_t)a->lines - 1 : high;
  return low <= high;
}

bool dla_extents_meet(const struct dla_extent* a, const struct dla_extent* b) {
  if (a->start >= b->start + b->bytes || b->start >= a->start + a->bytes) {
    return false;
  }
  if (a->surfaces > 1 && b->surfaces > 1 && a->surf_stride != b->surf_stride) {
    return true;
  }
  const int64_t stride = a->surfaces > 1 ? a->surf_stride : b->surf_stride;
  const int64_t delta = (int64_t)b->start - (int64_t)a->start;
  for (int64_t d = 1 - (int64_t)b->surfaces; d < (int64_t)a->surfaces; ++d) { /* surface of a less surface of b */
    if (surfaces_meet(a, b, delta - d * stride)) {
      return true;
    }
  }
  return false;
}

static void sift(struct dla_extent* extents, uint32_t root, uint32_t count) {
  while (2 * root + 1 < count) {
    uint32_t child = 2 * root + 1;
    if (child + 1 < count && extents[child].start < extents[child + 1].start) {
      ++child;
    }
    if (extents[root].start >= extents[child].start) {
      return;
    }
    const struct dla_extent swapped = extents[root];
    extents[root] = extents[child];
    extents[child] = swapped;
    root = child;
  }
}

/* Heap sort: in place, no recursion, the same cost for hostile input. */
void dla_extents_sort(struct dla_extent* extents, uint32_t count) {
  for (uint32_t root = count / 2; root > 0; --root) {
    sift(extents, root - 1, count);
  }
  for (uint32_t last = count; last > 1; --last) {
    const struct dla_extent first = extents[0];
    extents[0] = extents[last - 1];
    extents[last - 1] = first;
    sift(extents, 0, last - 1);
  }
}
