# SPDX-License-Identifier: Apache-2.0
# cipherdeck_library(NAME SOURCES file... [TESTS file...] [USES target...])
#   One folder under src/ is one target, cipherdeck_NAME. TESTS, standing beside their sources, become
#   the program NAME_test, run by CTest under the label "unit".
function(cipherdeck_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;TESTS;USES" ${ARGN})
  add_library(cipherdeck_${name} STATIC ${ARG_SOURCES})
  target_include_directories(cipherdeck_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src
    ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(cipherdeck_${name} PUBLIC ${ARG_USES} Threads::Threads)
  if(CIPHERDECK_TESTS AND ARG_TESTS)
    cipherdeck_test(${name}_test LABEL unit SOURCES ${ARG_TESTS} USES cipherdeck_${name})
  endif()
endfunction()

# cipherdeck_precompile(TARGET header...)
#   Has the target's sources share one reading of headers that take the compiler long.
function(cipherdeck_precompile target)
  target_precompile_headers(${target} PRIVATE ${ARGN})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  else()
    target_compile_options(${target} PRIVATE -fpch-preprocess)  # for ccache
  endif()
endfunction()

# cipherdeck_test(NAME LABEL label SOURCES file... [USES target...])
#   All of them, without the programs that are installed, are built by the target "test_programs".
if(CIPHERDECK_TESTS)
  add_custom_target(test_programs)
endif()
function(cipherdeck_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_definitions(${name} PRIVATE
    CIPHERDECK_VECTORS_DIR="${PROJECT_SOURCE_DIR}/tests/vectors"
    CIPHERDECK_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${ARG_USES} GTest::gtest GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 300)
  add_dependencies(test_programs ${name})
endfunction()

# cipherdeck_fuzzer(NAME_fuzz SOURCES file... [USES target...] [CASES number])
#   A libFuzzer program, built by the fuzz preset only; all of them by the target "fuzzers". With CASES,
#   the other presets build it as NAME_differential_test, which CTest gives that many random inputs.
if(CIPHERDECK_FUZZ)
  add_custom_target(fuzzers)
endif()
function(cipherdeck_fuzzer name)
  cmake_parse_arguments(ARG "" "CASES" "SOURCES;USES" ${ARGN})
  if(CIPHERDECK_FUZZ)
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_USES})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${name})
  elseif(CIPHERDECK_TESTS AND ARG_CASES)
    string(REGEX REPLACE "_fuzz$" "_differential_test" test ${name})
    add_executable(${test} ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/random_inputs.cpp)
    target_link_libraries(${test} PRIVATE ${ARG_USES})
    add_test(NAME ${test} COMMAND ${test} ${ARG_CASES})
    set_tests_properties(${test} PROPERTIES LABELS unit TIMEOUT 300)
    add_dependencies(test_programs ${test})
  endif()
endfunction()
