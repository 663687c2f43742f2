#include "nibble/core/program.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(Program, HandsInputInAndOutputOut) {
  const ProgramResult result = run_program({"cat"}, "one\ntwo");
  EXPECT_TRUE(result.found);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, "one\ntwo");
  EXPECT_EQ(result.errors, "");
}

TEST(Program, MovesMoreThanAPipeHolds) {
  const std::string much(3'000'001, 'x');
  EXPECT_EQ(run_program({"cat"}, much).output, much);
}

TEST(Program, PassesArgumentsWithoutAShell) {
  EXPECT_EQ(run_program({"printf", "%s|", "a b", "$HOME", "*", "';"}).output, "a b|$HOME|*|';|");
}

TEST(Program, TellsExitCodesAndErrors) {
  const ProgramResult result = run_program({"sh", "-c", "echo oh >&2; exit 7"});
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.errors, "oh\n");
  EXPECT_EQ(run_program({"sh", "-c", "kill -TERM $$"}).exit_code, 128 + 15);
}

TEST(Program, SaysWhenThereIsNoSuchProgram) {
  EXPECT_FALSE(run_program({"no-program-has-this-name"}).found);
}

}  // namespace
}  // namespace nibble
