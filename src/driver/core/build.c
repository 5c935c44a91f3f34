/* SPDX-License-Identifier: Apache-2.0 */
/* Reasons, checks of cubes against their buffers, and the plan of register writes. */
#include "driver/core/build.h"

static size_t append(char* to, size_t at, size_t limit, const char* from) {
  for (; *from != '\0' && at + 1 < limit; ++from) {
    to[at++] = *from;
  }
  to[at] = '\0';
  return at;
}

void dla_name_field(struct medlar_query_error* reason, const char* field) {
  append(reason->field, 0, sizeof reason->field, field);
}

int dla_refuse(struct dla_build* b, int error, const char* field, int64_t value, int64_t limit) {
  if (b->error == 0) {
    struct medlar_query_error* reason = b->reason;
    b->error = -error;
    reason->kind = MEDLAR_ERROR_DESCRIPTOR;
    reason->error = -error;
    reason->op_index = b->op_index;
    reason->op_type = b->op != NULL ? b->op->type : -1;
    reason->value = value;
    reason->limit = limit;
    dla_name_field(reason, field);
  }
  return b->error;
}

int dla_refuse_in(struct dla_build* b, const char* object, const char* field, int64_t value, int64_t limit) {
  char name[32];
  size_t at = append(name, 0, sizeof name, object);
  at = append(name, at, sizeof name, ".");
  append(name, at, sizeof name, field);
  return dla_refuse(b, MEDLAR_EINVAL, name, value, limit);
}

int dla_check(struct dla_build* b, const char* field, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high) {
    return dla_refuse(b, MEDLAR_EINVAL, field, value, value < low ? low : high);
  }
  return 0;
}

int dla_check_precision(struct dla_build* b, const char* field, uint8_t precision) {
  DLA_TRY(dla_check(b, field, precision, NVDLA_PRECISION_INT8, NVDLA_PRECISION_FP16));
  if (((b->config->precisions >> precision) & 1) == 0) {
    return dla_refuse(b, MEDLAR_EOPNOTSUPP, field, precision, b->config->precisions);
  }
  return 0;
}

int dla_check_feature(struct dla_build* b, const char* field, uint32_t feature) {
  if ((b->config->features & feature) == 0) {
    return dla_refuse(b, MEDLAR_EOPNOTSUPP, field, 1, 0);
  }
  return 0;
}

#define DLA_MAX_DIM 8192

int dla_check_dims(struct dla_build* b, const char* name, const struct nvdla_data_cube* cube) {
  if (cube->width < 1 || cube->width > DLA_MAX_DIM) {
    return dla_refuse_in(b, name, "width", cube->width, DLA_MAX_DIM);
  }
  if (cube->height < 1 || cube->height > DLA_MAX_DIM) {
    return dla_refuse_in(b, name, "height", cube->height, DLA_MAX_DIM);
  }
  if (cube->channel < 1 || cube->channel > DLA_MAX_DIM) {
    return dla_refuse_in(b, name, "channel", cube->channel, DLA_MAX_DIM);
  }
  return 0;
}

int dla_find(struct dla_build* b, struct dla_use use, const struct nvdla_data_cube* cube, uint64_t bytes,
             struct dla_place* place) {
  if (cube->type != NVDLA_MEM_TYPE_MC && cube->type != NVDLA_MEM_TYPE_CV) {
    return dla_refuse_in(b, use.name, "type", cube->type, NVDLA_MEM_TYPE_CV);
  }
  if (cube->address < 0 || (uint32_t)cube->address >= b->num_addresses) {
    return dla_refuse_in(b, use.name, "address", cube->address, (int64_t)b->num_addresses - 1);
  }
  const struct dla_address* at = &b->addresses[cube->address];
  if (at->buffer == NULL) {
    return dla_refuse_in(b, use.name, "address", cube->address, -1);
  }
  if (at->sram != (cube->type == NVDLA_MEM_TYPE_CV)) {
    return dla_refuse_in(b, use.name, "type", cube->type, at->sram ? NVDLA_MEM_TYPE_CV : NVDLA_MEM_TYPE_MC);
  }
  if (use.write && !at->writable) {
    return dla_refuse_in(b, use.name, "write", 1, 0);
  }
  if (cube->offset > at->bytes || bytes > at->bytes - cube->offset) {
    return dla_refuse_in(b, use.name, "end", (int64_t)(cube->offset + bytes), (int64_t)at->bytes);
  }
  place->iova = at->iova + cube->offset;
  place->ram = at->sram ? 0u : 1u;
  if (place->iova % b->config->alignment != 0) {
    return dla_refuse_in(b, use.name, "alignment", (int64_t)place->iova, b->config->alignment);
  }
  if (use.write) {
    dla_note_write(b, place->iova, bytes);
  }
  return 0;
}

void dla_note_write(struct dla_build* b, uint64_t start, uint64_t bytes) {
  if (b->extents == NULL) {
    return;
  }
  if (b->num_extents == b->max_extents) {
    dla_refuse(b, MEDLAR_ENOSPC, "extents", b->num_extents, b->max_extents);
    return;
  }
  b->extents[b->num_extents++] = (struct dla_extent){.start = start,
                                                     .bytes = bytes,
                                                     .line_bytes = (uint32_t)bytes,
                                                     .lines = 1,
                                                     .surfaces = 1,
                                                     .op = (uint16_t)b->op_index};
}

void dla_note_lines(struct dla_build* b, uint32_t line_bytes, uint32_t line_stride, uint32_t lines) {
  if (b->num_extents != 0) {
    struct dla_extent* extent = &b->extents[b->num_extents - 1];
    extent->line_bytes = line_bytes;
    extent->line_stride = line_stride;
    extent->lines = (uint16_t)lines;
  }
}

void dla_note_surfaces(struct dla_build* b, uint32_t surf_stride, uint32_t surfaces) {
  if (b->num_extents != 0) {
    struct dla_extent* extent = &b->extents[b->num_extents - 1];
    extent->surf_stride = surf_stride;
    extent->surfaces = (uint16_t)surfaces;
  }
}

uint64_t dla_feature_bytes(const struct nvdla_data_cube* cube, uint64_t surfaces, uint64_t atom_bytes) {
  return (surfaces - 1) * cube->surf_stride + (uint64_t)(cube->height - 1) * cube->line_stride +
         cube->width * atom_bytes;
}

int dla_find_feature(struct dla_build* b, struct dla_use use, const struct nvdla_data_cube* cube,
                     uint32_t element_bytes, struct dla_place* place) {
  const uint32_t atom = b->config->memory_atom;
  DLA_TRY(dla_check_dims(b, use.name, cube));
  const uint64_t surfaces = ((uint64_t)cube->channel * element_bytes + atom - 1) / atom;
  const uint64_t line = (uint64_t)cube->width * atom;
  const uint64_t surface = (uint64_t)(cube->height - 1) * cube->line_stride + line;
  if (cube->line_stride % b->config->alignment != 0 || (cube->height > 1 && cube->line_stride < line)) {
    return dla_refuse_in(b, use.name, "line_stride", cube->line_stride, (int64_t)line);
  }
  if (cube->surf_stride % b->config->alignment != 0 || (surfaces > 1 && cube->surf_stride < surface)) {
    return dla_refuse_in(b, use.name, "surf_stride", cube->surf_stride, (int64_t)surface);
  }
  DLA_TRY(dla_find(b, use, cube, dla_feature_bytes(cube, surfaces, atom), place));
  if (use.write) {
    dla_note_lines(b, (uint32_t)line, cube->line_stride, cube->height);
    dla_note_surfaces(b, cube->surf_stride, (uint32_t)surfaces);
  }
  return 0;
}

void dla_put(struct dla_build* b, const struct dla_field* field, uint64_t value) {
  const uint64_t shifted = value << field->shift;
  if (shifted >> field->shift != value || (shifted & ~(uint64_t)field->mask) != 0) {
    dla_refuse(b, MEDLAR_EINVAL, field->name, (int64_t)value, (int64_t)(field->mask >> field->shift));
    return;
  }
  const uint32_t address = dla_unit_base(b->config, field->unit) + field->offset;
  const bool same = b->num_writes > b->op->first_write && b->writes[b->num_writes - 1].address == address;
  if (!same && b->num_writes == b->max_writes) {
    dla_refuse(b, MEDLAR_ENOSPC, "writes", b->num_writes, b->max_writes);
    return;
  }
  if (!same) {
    b->writes[b->num_writes++] = (struct dla_write){address, 0};
  }
  b->writes[b->num_writes - 1].value |= (uint32_t)shifted;
}

void dla_put_at(struct dla_build* b, uint32_t delta, const struct dla_field* field, uint64_t value) {
  struct dla_field twin = *field;
  twin.offset += delta;
  dla_put(b, &twin, value);
}

void dla_put_signed(struct dla_build* b, const struct dla_field* field, int64_t value) {
  const uint64_t field_mask = (uint64_t)field->mask >> field->shift;
  const int64_t high = (int64_t)(field_mask >> 1);
  if (value < -high - 1 || value > high) {
    dla_refuse(b, MEDLAR_EINVAL, field->name, value, value < 0 ? -high - 1 : high);
    return;
  }
  dla_put(b, field, (uint64_t)value & field_mask);
}
