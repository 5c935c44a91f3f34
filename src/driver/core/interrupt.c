/* SPDX-License-Identifier: Apache-2.0 */
/* The interrupt handler: status bits to events of engines and groups. */
#include "driver/core/engine.h"

static void note(struct dla_device* device, int engine, int group, uint8_t event) {
  device->engine[engine].pending[group] |= (uint8_t)(1u << event);
}

void dla_isr(struct dla_device* device) {
  const uint32_t base = dla_unit_base(&device->config, DLA_UNIT_GLB);
  const uint32_t mask = dla_register_read(device, base + NVDLA_GLB_S_INTR_MASK);
  const uint32_t status = dla_register_read(device, base + NVDLA_GLB_S_INTR_STATUS) & ~mask;
  device->port.lock(device->port.self);
  ++device->counters.interrupts;
  if (status == 0 || device->current == NULL) {
    ++device->counters.spurious;
  }
  for (int group = 0; group < 2; ++group) {
    for (int engine = 0; engine < DLA_ENGINES; ++engine) {
      if (((status >> (dla_engine_info(engine)->done_shift + (uint32_t)group)) & 1) != 0) {
        note(device, engine, group, NVDLA_EVENT_OP_COMPLETED);
      }
    }
    if (((status >> (NVDLA_GLB_S_INTR_STATUS_CDMA_DAT_DONE_STATUS0_SHIFT + group)) & 1) != 0) {
      note(device, NVDLA_OP_TYPE_CONV, group, NVDLA_EVENT_CDMA_DT_DONE);
    }
    if (((status >> (NVDLA_GLB_S_INTR_STATUS_CDMA_WT_DONE_STATUS0_SHIFT + group)) & 1) != 0) {
      note(device, NVDLA_OP_TYPE_CONV, group, NVDLA_EVENT_CDMA_WT_DONE);
    }
  }
  device->port.unlock(device->port.self);
  dla_register_write(device, base + NVDLA_GLB_S_INTR_STATUS, status); /* 1 clears */
}
