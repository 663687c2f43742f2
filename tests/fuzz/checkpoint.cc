// PyTorch's checkpoint: ZIP, pickle, tensors, the state of a training.
#include "tests/fuzz/target.h"

#include "nibble/formats/checkpoint_pt.h"

void nibble::fuzz::read(std::span<const std::byte> bytes) {
  read_checkpoint(bytes);
  read_training_state(bytes);
}
