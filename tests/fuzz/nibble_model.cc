// nibble's own model file, and what it says about how to check it.
#include "nibble/formats/nibble_model.h"

#include "tests/fuzz/target.h"

void nibble::fuzz::read(std::span<const std::byte> bytes) {
  const Model model = read_nibble_model(bytes);
  for (const CheckVector& check : read_stored_checks(bytes, model).vectors)
    check_row(model.featurizer, check);
}
