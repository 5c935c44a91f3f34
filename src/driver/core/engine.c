/* SPDX-License-Identifier: Apache-2.0 */
/* The engines: which units they own, when a register group can be programmed, how it is programmed and
 * started. */
#include "driver/core/engine.h"

const struct dla_engine_info* dla_engine_info(int engine) {
  static const struct dla_engine_info infos[DLA_ENGINES] = {
      [NVDLA_OP_TYPE_BDMA] = {.name = "BDMA", .done_shift = NVDLA_GLB_S_INTR_STATUS_BDMA_DONE_STATUS0_SHIFT},
      [NVDLA_OP_TYPE_CONV] = {.name = "CONV",
                              .num_units = 5,
                              .units = {DLA_UNIT_CACC, DLA_UNIT_CMAC_A, DLA_UNIT_CMAC_B, DLA_UNIT_CSC,
                                        DLA_UNIT_CDMA},
                              .done_shift = NVDLA_GLB_S_INTR_STATUS_CACC_DONE_STATUS0_SHIFT},
      [NVDLA_OP_TYPE_SDP] = {.name = "SDP",
                             .num_units = 1,
                             .units = {DLA_UNIT_SDP},
                             .has_rdma = true,
                             .rdma = DLA_UNIT_SDP_RDMA,
                             .has_lut = true,
                             .done_shift = NVDLA_GLB_S_INTR_STATUS_SDP_DONE_STATUS0_SHIFT},
      [NVDLA_OP_TYPE_PDP] = {.name = "PDP",
                             .num_units = 1,
                             .units = {DLA_UNIT_PDP},
                             .has_rdma = true,
                             .rdma = DLA_UNIT_PDP_RDMA,
                             .done_shift = NVDLA_GLB_S_INTR_STATUS_PDP_DONE_STATUS0_SHIFT},
      [NVDLA_OP_TYPE_CDP] = {.name = "CDP",
                             .num_units = 1,
                             .units = {DLA_UNIT_CDP},
                             .has_rdma = true,
                             .rdma = DLA_UNIT_CDP_RDMA,
                             .has_lut = true,
                             .done_shift = NVDLA_GLB_S_INTR_STATUS_CDP_DONE_STATUS0_SHIFT},
      [NVDLA_OP_TYPE_RUBIK] = {.name = "RUBIK",
                               .num_units = 1,
                               .units = {DLA_UNIT_RBK},
                               .done_shift = NVDLA_GLB_S_INTR_STATUS_RUBIK_DONE_STATUS0_SHIFT},
  };
  return &infos[engine];
}

static uint32_t address_of(const struct dla_device* device, enum dla_unit unit, uint32_t offset) {
  return dla_unit_base(&device->config, unit) + offset;
}

static uint8_t consumer(struct dla_device* device, enum dla_unit unit) {
  const uint32_t pointer = dla_register_read(device, address_of(device, unit, DLA_S_POINTER));
  return (pointer >> DLA_S_POINTER_CONSUMER_SHIFT) & 1;
}

static uint32_t bdma_status(struct dla_device* device) {
  return dla_register_read(device, address_of(device, DLA_UNIT_BDMA, NVDLA_BDMA_STATUS));
}

static int first_group(struct dla_device* device, int engine) {
  if (engine == NVDLA_OP_TYPE_BDMA) {
    return (bdma_status(device) & NVDLA_BDMA_STATUS_GRP0_BUSY_MASK) != 0 ? 1 : 0;
  }
  return consumer(device, dla_engine_info(engine)->units[0]);
}

static const struct dla_op* op_in(const struct dla_device* device, int engine, int group) {
  const int32_t op = device->engine[engine].group[group].op;
  return op == DLA_NO_OP ? NULL : &device->current->ops[op];
}

/* The table is shared by both groups: an operation with one waits for the other group, unless that uses the
 * same table, or uses none and has not started. */
static bool lut_ready(const struct dla_device* device, int engine, int group, const struct dla_op* op) {
  const struct dla_op* other = op_in(device, engine, 1 - group);
  if (op->lut < 0 || other == NULL || other->lut == op->lut) {
    return true;
  }
  return other->lut < 0 && other->state != DLA_OP_ENABLED;
}

/* Transfers go into one FIFO at programming and are launched as one group: not while another group is not
 * launched. */
static bool bdma_ready(struct dla_device* device, int group, const struct dla_op* op) {
  const struct dla_op* other = op_in(device, NVDLA_OP_TYPE_BDMA, 1 - group);
  if (other != NULL && other->state != DLA_OP_ENABLED) {
    return false;
  }
  return (bdma_status(device) & NVDLA_BDMA_STATUS_FREE_SLOT_MASK) >= op->transfers;
}

int dla_engine_group(struct dla_device* device, int engine, const struct dla_op* op) {
  const struct dla_engine* e = &device->engine[engine];
  const bool free0 = e->group[0].op == DLA_NO_OP;
  const bool free1 = e->group[1].op == DLA_NO_OP;
  if (!free0 && !free1) {
    return -1;
  }
  const int group = free0 && free1 ? first_group(device, engine) : free0 ? 0 : 1;
  if (!lut_ready(device, engine, group, op)) {
    return -1;
  }
  if (engine == NVDLA_OP_TYPE_BDMA && !bdma_ready(device, group, op)) {
    return -1;
  }
  return group;
}

static uint8_t rdma_group(struct dla_device* device, int engine) {
  const struct dla_engine* e = &device->engine[engine];
  if (!e->rdma_busy[0] && !e->rdma_busy[1]) {
    return consumer(device, dla_engine_info(engine)->rdma);
  }
  return e->rdma_busy[0] ? 1 : 0;
}

static void select_groups(struct dla_device* device, int engine, int group, const struct dla_op* op) {
  const struct dla_engine_info* info = dla_engine_info(engine);
  for (int i = 0; i < info->num_units; ++i) {
    dla_register_write(device, address_of(device, info->units[i], DLA_S_POINTER), (uint32_t)group);
  }
  if (op->uses_rdma) {
    dla_register_write(device, address_of(device, info->rdma, DLA_S_POINTER),
                       device->engine[engine].group[group].rdma_group);
  }
}

/* S_STATUS: group 0 in the low half, group 1 in the high half; 0 is idle. */
static void check_idle(struct dla_device* device, enum dla_unit unit, int group) {
  const uint32_t address = address_of(device, unit, DLA_S_STATUS);
  const uint32_t status = dla_register_read(device, address);
  if (((status >> (16 * group)) & NVDLA_CDMA_S_STATUS_STATUS_0_MASK) != 0 && device->fault == 0) {
    device->fault = -MEDLAR_EBUSY;
    device->fault_address = address;
    device->fault_write = false;
  }
}

void dla_engine_program(struct dla_device* device, int engine, int group, const struct dla_op* op) {
  const struct dla_engine_info* info = dla_engine_info(engine);
  struct dla_engine* e = &device->engine[engine];
  if (op->uses_rdma) {
    e->group[group].rdma_group = rdma_group(device, engine);
    e->rdma_busy[e->group[group].rdma_group] = true;
  }
  for (int i = 0; i < info->num_units; ++i) {
    check_idle(device, info->units[i], group);
  }
  select_groups(device, engine, group, op);
  if (op->lut >= 0 && e->lut != op->lut) {
    dla_lut_load(device, info->units[0], &device->current->luts[op->lut], op->real);
    e->lut = op->lut;
    ++device->counters.lut_loads;
  }
  const struct dla_write* writes = &device->current->writes[op->first_write];
  for (uint32_t i = 0; i < op->num_writes; ++i) {
    dla_register_write(device, writes[i].address, writes[i].value);
  }
}

/* CDMA clears CBUF after reset; hardware needs some cycles for it. */
static void wait_for_flush(struct dla_device* device) {
  const uint32_t address = address_of(device, DLA_UNIT_CDMA, NVDLA_CDMA_S_CBUF_FLUSH_STATUS);
  for (int spins = 0; spins < 1000 && device->fault == 0; ++spins) {
    if ((dla_register_read(device, address) & NVDLA_CDMA_S_CBUF_FLUSH_STATUS_FLUSH_DONE_MASK) != 0) {
      return;
    }
  }
  if (device->fault == 0) {
    device->fault = -MEDLAR_ETIME;
    device->fault_address = address;
  }
}

void dla_engine_enable(struct dla_device* device, int engine, int group, const struct dla_op* op) {
  const struct dla_engine_info* info = dla_engine_info(engine);
  if (engine == NVDLA_OP_TYPE_BDMA) {
    const uint32_t launch = group == 0 ? NVDLA_BDMA_CFG_LAUNCH0 : NVDLA_BDMA_CFG_LAUNCH1;
    dla_register_write(device, address_of(device, DLA_UNIT_BDMA, launch), 1);
    return;
  }
  if (engine == NVDLA_OP_TYPE_CONV) {
    wait_for_flush(device);
  }
  select_groups(device, engine, group, op);
  if (op->uses_rdma) {
    dla_register_write(device, address_of(device, info->rdma, dla_op_enable(info->rdma)), 1);
  }
  for (int i = 0; i < info->num_units; ++i) {
    dla_register_write(device, address_of(device, info->units[i], dla_op_enable(info->units[i])), 1);
  }
}
