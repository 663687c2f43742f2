set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# Asserts guard promises among ourselves; debug and sanitizer builds keep them, Release (-DNDEBUG) does not.
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")

add_library(nibble_flags INTERFACE)
target_compile_options(nibble_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # GCC 12 sees overlaps in std::string's operator+ that are not there (PR 105651)
  # A product and a sum are fused only where the code says so: the same bits on every CPU level.
  -ffp-contract=off)
if(NIBBLE_PREDICT_ONLY)
  # What no verb calls, the training kernels for instance, is left out of the program.
  target_compile_options(nibble_flags INTERFACE -ffunction-sections -fdata-sections)
  target_link_options(nibble_flags INTERFACE -Wl,--gc-sections)
endif()
if(NIBBLE_SANITIZE)
  target_compile_options(nibble_flags INTERFACE -fsanitize=${NIBBLE_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all
    $<$<CXX_COMPILER_ID:Clang>:-Wno-pass-failed>)  # at -O1 "#pragma unroll" stays a wish
  target_link_options(nibble_flags INTERFACE -fsanitize=${NIBBLE_SANITIZE})
endif()
