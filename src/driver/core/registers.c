/* SPDX-License-Identifier: Apache-2.0 */
/* Bases of the units in both address maps. */
#include "driver/core/registers.h"

#define BASES(unit) \
  { NVDLA_##unit##_BASE_V1, NVDLA_##unit##_BASE_V2 }

uint32_t dla_unit_base(const struct dla_config* config, enum dla_unit unit) {
  static const uint32_t bases[DLA_UNIT_COUNT][2] = {
      [DLA_UNIT_GLB] = BASES(GLB),       [DLA_UNIT_BDMA] = BASES(BDMA),
      [DLA_UNIT_CDMA] = BASES(CDMA),     [DLA_UNIT_CSC] = BASES(CSC),
      [DLA_UNIT_CMAC_A] = BASES(CMAC_A), [DLA_UNIT_CMAC_B] = BASES(CMAC_B),
      [DLA_UNIT_CACC] = BASES(CACC),     [DLA_UNIT_SDP_RDMA] = BASES(SDP_RDMA),
      [DLA_UNIT_SDP] = BASES(SDP),       [DLA_UNIT_PDP_RDMA] = BASES(PDP_RDMA),
      [DLA_UNIT_PDP] = BASES(PDP),       [DLA_UNIT_CDP_RDMA] = BASES(CDP_RDMA),
      [DLA_UNIT_CDP] = BASES(CDP),       [DLA_UNIT_RBK] = BASES(RBK),
  };
  return bases[unit][config->register_map == 1 ? 0 : 1];
}

uint32_t dla_op_enable(enum dla_unit unit) {
  switch (unit) {
    case DLA_UNIT_CDMA:
      return NVDLA_CDMA_D_OP_ENABLE;
    case DLA_UNIT_SDP:
      return NVDLA_SDP_D_OP_ENABLE;
    case DLA_UNIT_CDP:
      return NVDLA_CDP_D_OP_ENABLE;
    default:
      return NVDLA_CSC_D_OP_ENABLE;
  }
}
