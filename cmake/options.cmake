# SPDX-License-Identifier: Apache-2.0
# Every option of the build.
option(CIPHERDECK_TESTS "Build unit, wire and fault tests" ON)
option(CIPHERDECK_FUZZ "Build the fuzz targets (clang, libFuzzer)" OFF)
set(CIPHERDECK_SANITIZE "" CACHE STRING "Sanitizers to build with: 'address,undefined' or 'thread'")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

find_program(CIPHERDECK_CCACHE ccache)
if(CIPHERDECK_CCACHE)
  # What it has to be told of precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CIPHERDECK_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CIPHERDECK_CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers
  -Werror=return-type -fno-strict-aliasing)
if(NOT CIPHERDECK_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_options(-fstack-protector-strong -D_FORTIFY_SOURCE=2)
endif()
add_link_options(-Wl,-z,relro,-z,now)
if(CIPHERDECK_SANITIZE)
  add_compile_options(-fsanitize=${CIPHERDECK_SANITIZE} -fno-omit-frame-pointer
    -g1 -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CIPHERDECK_SANITIZE})
  add_compile_definitions(CIPHERDECK_SANITIZED)
endif()
if(CIPHERDECK_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
    -g1)
  add_link_options(-fsanitize=address,undefined)
endif()

if(CIPHERDECK_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
endif()
find_package(Threads REQUIRED)
