// What the figures say, in sentences, without making them better than they are.
#pragma once

#include <string>

#include "nibble/report/variant_summary.h"

namespace nibble {

// What may be said about a variant's accuracy against Original's. With one seed the exact McNemar
// test decides at 5 %; with several, whether the mean difference is larger than Original's standard
// deviation between seeds.
enum class Verdict { kNoDifference, kLoss, kGain };
Verdict verdict_on(const VariantSummary& variant, const VariantSummary& original,
                   std::size_t seeds);

// "answers 3.3 times as fast", "is as fast", "takes 1.8 times as long"
std::string speed_text(double original_ms, double variant_ms);

// One sentence: the smallest variant for which no loss of accuracy was found, or that there is
// none.
std::string headline(const StudyResult& result);

// What one variant costs and gives; two or three sentences. `variant` counts from 1, 0 is Original.
std::string verdict_text(const StudyResult& result, std::size_t variant);

// How much this test set can tell at all.
std::string certainty_text(const StudyResult& result);

}  // namespace nibble
