/* SPDX-License-Identifier: Apache-2.0 */
/* What the driver must know of the chip. Filled by the port from the device tree or the hardware
 * configuration. */
#ifndef MEDLAR_DRIVER_CORE_CONFIG_H
#define MEDLAR_DRIVER_CORE_CONFIG_H
#include "driver/core/types.h"

struct dla_config {
  uint8_t register_map; /* 1 or 2 */
  uint8_t precisions;   /* MEDLAR_PRECISION_ bits, in the order of the descriptor codes */
  uint16_t max_batch;   /* 1: no batch mode */
  uint32_t features;    /* MEDLAR_FEATURE_ bits */
  uint32_t memory_atom; /* bytes */
  uint32_t alignment;   /* of DMA addresses and strides, bytes */
  uint32_t cbuf_banks;
  uint32_t max_operations; /* a task */
  uint32_t max_addresses;  /* a task */
  uint32_t max_loadables;  /* on the core */
  uint64_t default_timeout_ns;
  uint64_t power_idle_ns; /* device time of idleness after which the power goes */
};

#endif
