option(NIBBLE_TESTS "Build the unit tests (GoogleTest)" ON)
option(NIBBLE_BENCH "Build the kernel benchmarks (Google Benchmark)" OFF)
option(NIBBLE_PREDICT_ONLY "Build a small nibble program: predict, eval, inspect, bench; no training, no report" OFF)
set(NIBBLE_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them: address,undefined or thread")
