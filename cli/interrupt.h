// Ctrl-C and SIGTERM, made into a question that a long job can ask.
#pragma once

namespace nibble::cli {

// From now on the first signal is only remembered; a second one ends the process at once, as if
// this had never been called.
void remember_interrupts();
bool interrupted();

}  // namespace nibble::cli
