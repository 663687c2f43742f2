#include "nibble/report/history_csv.h"

#include <fmt/format.h>

namespace nibble {

std::string history_csv(const History& history) {
  std::string csv = "epoch,train_loss,validation_loss,validation_accuracy,seconds\n";
  for (const EpochRecord& record : history)
    csv += fmt::format("{},{},{},{},{}\n", record.epoch, record.train_loss, record.validation_loss,
                       record.validation_accuracy, record.seconds);
  return csv;
}

}  // namespace nibble
