// Numbers below 1e-38 count as 0 while one of these lives, on this thread.
//
// Moments of weights that no gradient reaches any more fall by b1 a step until they are denormal,
// where x86 computes some ten times slower; at 1e-38 they move no weight.
#pragma once

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace nibble {

class FlushDenormals {
 public:
#if defined(__SSE__)
  FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kFlushToZero | kZeroInputs); }
  ~FlushDenormals() { _mm_setcsr(before_); }
#else
  FlushDenormals() = default;
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

#if defined(__SSE__)
 private:
  static constexpr unsigned kFlushToZero = 0x8000;
  static constexpr unsigned kZeroInputs = 0x0040;
  unsigned before_;
#endif
};

}  // namespace nibble
