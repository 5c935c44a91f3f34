/* SPDX-License-Identifier: Apache-2.0 */
/* Units of the chip as the driver addresses them, and the few registers that all units have. */
#ifndef MEDLAR_DRIVER_CORE_REGISTERS_H
#define MEDLAR_DRIVER_CORE_REGISTERS_H
#include "driver/core/config.h"
#include "hw/gen/nvdla_regs.h"

#ifdef __cplusplus
extern "C" {
#endif

enum dla_unit {
  DLA_UNIT_GLB,
  DLA_UNIT_BDMA,
  DLA_UNIT_CDMA,
  DLA_UNIT_CSC,
  DLA_UNIT_CMAC_A,
  DLA_UNIT_CMAC_B,
  DLA_UNIT_CACC,
  DLA_UNIT_SDP_RDMA,
  DLA_UNIT_SDP,
  DLA_UNIT_PDP_RDMA,
  DLA_UNIT_PDP,
  DLA_UNIT_CDP_RDMA,
  DLA_UNIT_CDP,
  DLA_UNIT_RBK,
  DLA_UNIT_COUNT
};

/* The same in every double-buffered unit. */
#define DLA_S_STATUS NVDLA_CDMA_S_STATUS
#define DLA_S_POINTER NVDLA_CDMA_S_POINTER
#define DLA_S_POINTER_CONSUMER_SHIFT NVDLA_CDMA_S_POINTER_CONSUMER_SHIFT

/* Byte address of a unit's first register. */
uint32_t dla_unit_base(const struct dla_config* config, enum dla_unit unit);
/* Offset of D_OP_ENABLE. */
uint32_t dla_op_enable(enum dla_unit unit);

#ifdef __cplusplus
}
#endif
#endif
