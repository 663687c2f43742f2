// Which weights share a scale: blocks of some inputs by some outputs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

namespace nibble {

// 0 means all. {0, 0}: per tensor; {0, 1}: per channel (output); {1, 0}: per feature row (input);
// {1, 32}: groups of 32 outputs, for a first layer that is fed with sparse rows; {32, 1}: groups of
// 32 inputs, for any other. The last block of a line may be smaller.
struct BlockShape {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  friend bool operator==(const BlockShape&, const BlockShape&) = default;
};

inline std::size_t blocks_along(std::size_t size, std::size_t block) {
  return block == 0 ? 1 : size / block + (size % block != 0 ? 1 : 0);
}

// "1x32", "*x1": inputs by outputs.
std::string text_of(const BlockShape& shape);

// One block of a matrix, by its first input and output.
struct Block {
  std::size_t index = 0;  // row-major among the blocks, as scales are stored
  std::size_t input = 0;
  std::size_t inputs = 0;
  std::size_t output = 0;
  std::size_t outputs = 0;
};

// Calls work(block) for every block in order.
template <typename Work>
void for_each_block(const BlockShape& shape, std::size_t inputs, std::size_t outputs,
                    const Work& work) {
  const std::size_t high = shape.inputs == 0 ? inputs : shape.inputs;
  const std::size_t wide = shape.outputs == 0 ? outputs : shape.outputs;
  std::size_t index = 0;
  for (std::size_t i = 0; i < inputs; i += high) {
    for (std::size_t o = 0; o < outputs; o += wide)
      work(Block{index++, i, std::min(high, inputs - i), o, std::min(wide, outputs - o)});
  }
}

}  // namespace nibble
