// report.html: the whole study on one page that needs nothing but itself.
#pragma once

#include <string>

#include "nibble/report/study_result.h"

namespace nibble {

// One HTML file without scripts and without references to anything outside. Good on a phone, in the
// dark and on paper.
std::string report_page(const StudyResult& result);

}  // namespace nibble
