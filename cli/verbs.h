// The verbs of the command line. Each has a file of its own, which declares its options and runs
// it: read the arguments, call the library, print.
#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

namespace nibble::cli {

inline constexpr int kDone = 0;
inline constexpr int kOurFault = 1;
inline constexpr int kBadInput = 2;
inline constexpr int kInterrupted = 130;  // as shells report a program that Ctrl-C ended

struct Verb {
  CLI::App* parser = nullptr;
  std::function<int()> run;  // after parsing; returns the exit code
};

Verb add_study(CLI::App& program);
Verb add_train(CLI::App& program);
Verb add_eval(CLI::App& program);
Verb add_predict(CLI::App& program);
Verb add_quantize(CLI::App& program);
Verb add_shrink(CLI::App& program);
Verb add_blame(CLI::App& program);
Verb add_convert(CLI::App& program);
Verb add_inspect(CLI::App& program);
Verb add_diff(CLI::App& program);
Verb add_verify(CLI::App& program);
Verb add_bench(CLI::App& program);
Verb add_data(CLI::App& program);
Verb add_completion(CLI::App& program);

}  // namespace nibble::cli
