# SPDX-License-Identifier: Apache-2.0
medlar_test(compiler_back_test
  SOURCES back_allocator_test.cpp back_checker.cpp back_conv_test.cpp back_graphs.cpp back_official_test.cpp
    back_pool_test.cpp back_refusal_test.cpp back_resnet_test.cpp back_schedule.cpp back_schedule_test.cpp back_sdp_test.cpp back_tiling_test.cpp
  DEPS medlar::compiler medlar::loadable medlar_test_corpus)
medlar_test(compiler_back_run_test
  SOURCES back_checker.cpp back_graphs.cpp back_run_test.cpp back_runner.cpp front_graphs.cpp function_range_test.cpp hw_interpreter.cpp
    layer_interpreter.cpp
  DEPS medlar::compiler medlar::chip medlar::driver_core medlar::loadable medlar::umd)
