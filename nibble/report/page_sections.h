// The sections of the report page, each one <section> of HTML, or nothing where there is nothing to
// show.
#pragma once

#include <string>

#include "nibble/report/study_result.h"

namespace nibble {

std::string results_section(const StudyResult& result);  // the lab's table
std::string comparison_section(
    const StudyResult& result);                        // accuracy, storage, time beside each other
std::string seeds_section(const StudyResult& result);  // nothing for one seed
std::string training_section(
    const StudyResult& result);  // curves; nothing without a finished epoch
std::string confusion_section(const StudyResult& result);
std::string flips_section(const StudyResult& result);
std::string layers_section(const StudyResult& result);
std::string storage_section(const StudyResult& result);
std::string data_section(const StudyResult& result);
std::string method_section(const StudyResult& result);
std::string settings_section(const StudyResult& result);  // and the machine, and what took how long

}  // namespace nibble
