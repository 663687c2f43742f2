// Variants that measured slower than Original: a smaller model that answers later is worth a
// sentence below the table.
#pragma once

#include <string>
#include <vector>

#include "nibble/report/study_result.h"

namespace nibble {

// One sentence for each variant and batch size (1, 256) that is slower by more than 3 %, what two
// timings of one program differ by; with the reason where one is known. Empty when all are faster.
std::vector<std::string> slower_variant_notes(const StudyResult& result);

}  // namespace nibble
