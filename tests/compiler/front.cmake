# SPDX-License-Identifier: Apache-2.0
medlar_test(compiler_front_test
  SOURCES front_cache_test.cpp front_calibrator_test.cpp front_compile_test.cpp front_fuse_test.cpp front_graphs.cpp front_numeric_test.cpp
    front_partition_test.cpp front_precision_test.cpp front_quantise_test.cpp front_rounding_test.cpp front_search_test.cpp hw_interpreter.cpp layer_interpreter.cpp
    operators_page_test.cpp rule_text_test.cpp
  DEPS medlar::compiler)
