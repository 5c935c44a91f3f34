# SPDX-License-Identifier: Apache-2.0
set(COMPILER_BACK_SOURCES
  back/allocator.cpp
  back/check.cpp
  back/conv_tiling.cpp
  back/dependencies.cpp
  back/emit.cpp
  back/image_input.cpp
  back/keep_weights.cpp
  back/lower.cpp
  back/lower_conv.cpp
  back/lower_interleave.cpp
  back/lower_pool.cpp
  back/lower_sdp.cpp
  back/machine.cpp
  back/sram.cpp
  back/storage.cpp
  back/write.cpp)
set(COMPILER_BACK_DEPS medlar::loadable)
