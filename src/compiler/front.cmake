# SPDX-License-Identifier: Apache-2.0
set(COMPILER_FRONT_SOURCES
  calibration.cpp calibration_histogram.cpp
  compile.cpp
  fuse/absorb_steps.cpp
  fuse/alias_windows.cpp
  fuse/compose_selection.cpp
  fuse/expand_groups.cpp
  fuse/fold_affine.cpp
  fuse/fuse.cpp
  fuse/readers.cpp
  fuse/stages.cpp
  layer_graph.cpp
  legalise/activation.cpp
  legalise/concat.cpp
  legalise/conv.cpp
  legalise/eltwise.cpp
  legalise/gemm.cpp
  legalise/legalise.cpp
  legalise/pool.cpp
  legalise/relabel.cpp
  legalise/select.cpp
  legalise/shapes.cpp
  partition/partition.cpp
  quantise/conv_int8.cpp
  quantise/fixed_point.cpp
  quantise/half.cpp
  quantise/quantise.cpp
  quantise/scales.cpp
  quantise/sdp_fp16.cpp
  quantise/sdp_int8.cpp
  reasons.cpp
  report.cpp
  segment.cpp
  simplify/fold_pad.cpp
  simplify/global_mean.cpp
  simplify/simplify.cpp)
set(COMPILER_FRONT_DEPS medlar::graph medlar::import)
