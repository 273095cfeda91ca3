# Options that all our own targets share, and helpers for tests.

add_library(ersatz_options INTERFACE)
target_compile_options(ersatz_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion)
# __FILE__ in messages is a path in the source tree, not one of the machine that built it.
target_compile_options(ersatz_options INTERFACE -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
if(ERSATZ_WERROR)
  target_compile_options(ersatz_options INTERFACE -Werror)
endif()
if(ERSATZ_SANITIZE STREQUAL "thread")
  target_compile_options(ersatz_options INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(ersatz_options INTERFACE -fsanitize=thread)
elseif(ERSATZ_SANITIZE)
  # Undefined behaviour is looked for in what is tested; in the tests it would only compile half as fast. So would
  # checks of each access that AddressSanitizer makes as well (null, object size), or that x86 does not need.
  target_compile_options(ersatz_options INTERFACE -fsanitize=address -fno-omit-frame-pointer
    $<$<NOT:$<BOOL:$<TARGET_PROPERTY:ERSATZ_UNIT_TEST>>>:-fsanitize=undefined$<SEMICOLON>-fno-sanitize=null,object-size,alignment$<SEMICOLON>-fno-sanitize-recover=undefined>)
  target_link_options(ersatz_options INTERFACE -fsanitize=address,undefined)
else()
  # A library finds all that it calls in what it links: evaluation can not lean on training by mistake.
  target_link_options(ersatz_options INTERFACE LINKER:-z,defs)
endif()

# What nearly every source includes is read once per library, and once for all unit tests (which must be compiled
# alike for that).
set(ersatz_precompiled <algorithm> <cmath> <functional> <limits> <map> <memory> <optional> <string> <vector> <Eigen/Dense>)

# ersatz_test_options(TARGET): how the sources of unit tests are compiled.
function(ersatz_test_options name)
  set_target_properties(${name} PROPERTIES ERSATZ_UNIT_TEST ON)
  target_link_libraries(${name} PRIVATE ersatz_options GTest::gtest)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/lib)
  # What is tested is optimised; the tests themselves would only compile for longer. (At -O1 GCC 12 sees
  # uninitialised values in Eigen that are none.)
  target_compile_options(${name} PRIVATE -O1 $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_compile_definitions(${name} PRIVATE ERSATZ_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endfunction()

# ersatz_unit_test(NAME sources…): one GoogleTest program that links training (and so evaluation).
function(ersatz_unit_test name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE ersatz-train GTest::gtest_main)
  ersatz_test_options(${name})
  target_precompile_headers(${name} REUSE_FROM ersatz-test-headers)
  add_test(NAME unit.${name} COMMAND ${name})
  set_tests_properties(unit.${name} PROPERTIES LABELS unit)
endfunction()

# ersatz_mpi_test(NAME RANKS 1 2 4 SOURCES a.cpp… [SLOW]): one GoogleTest program (tests/unit/parallel/main.cpp starts
# MPI), a test for each number of ranks; more ranks than cores take turns.
function(ersatz_mpi_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SLOW" "" "RANKS;SOURCES")
  add_executable(${name} ${PROJECT_SOURCE_DIR}/tests/unit/parallel/main.cpp ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ersatz-mpi)
  ersatz_test_options(${name})
  target_precompile_headers(${name} REUSE_FROM ersatz-test-headers)
  foreach(ranks IN LISTS arg_RANKS)
    add_test(NAME mpi.${name}.${ranks} COMMAND ${PROJECT_SOURCE_DIR}/tests/mpirun.sh ${ranks} $<TARGET_FILE:${name}>)
    set_tests_properties(mpi.${name}.${ranks} PROPERTIES LABELS "mpi$<$<BOOL:${arg_SLOW}>:;slow>" PROCESSORS 2)
  endforeach()
endfunction()
