# nibble_room(NAME [USES room...] [LIBRARIES target...])
#
# One static library per folder: every .cc in it that is not a test. Unit tests stand beside the code they test
# (x.h, x.cc, x_test.cc) and become one program NAME_test, registered with CTest case by case.
function(nibble_room name)
  cmake_parse_arguments(ROOM "" "" "USES;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")

  add_library(nibble_${name} STATIC ${sources})
  target_include_directories(nibble_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  list(TRANSFORM ROOM_USES PREPEND nibble_)
  target_link_libraries(nibble_${name} PUBLIC ${ROOM_USES} ${ROOM_LIBRARIES} fmt::fmt PRIVATE nibble_flags)

  if(NIBBLE_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE nibble_${name} nibble_flags GTest::gtest_main)
    gtest_discover_tests(${name}_test TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60 NO_PRETTY_VALUES
                         PROPERTIES LABELS unit)
  endif()
endfunction()
include(GoogleTest)
