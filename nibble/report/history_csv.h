// history.csv: one line for each epoch of training.
#pragma once

#include <string>

#include "nibble/train/train.h"

namespace nibble {

// Header epoch,train_loss,validation_loss,validation_accuracy,seconds. Losses in nats, accuracy in
// per cent, every number written so that reading it back gives the same double.
std::string history_csv(const History& history);

}  // namespace nibble
