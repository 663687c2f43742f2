#include "nibble/kernels/cpu_level.h"

#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

class CpuLevel : public testing::Test {
 protected:
  void TearDown() override { force_cpu_level("auto"); }
};

// The Highway target that each level must run.
std::string target_behind(const std::string& level) {
  if (level == "avx3_bf16") return "avx3_dl";
  return level;
}

TEST_F(CpuLevel, ForcingTakesEffectInTheKernels) {
  const std::vector<std::string> levels = available_cpu_levels();
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels.back(), "scalar");
  for (const std::string& level : levels) {
    force_cpu_level(level);
    EXPECT_EQ(cpu_level(), level);
    if (level == "scalar") {  // Highway has two such targets; which one depends on the compiler
      EXPECT_TRUE(running_target() == "scalar" || running_target() == "emu128") << running_target();
    } else {
      EXPECT_EQ(running_target(), target_behind(level));
    }
    EXPECT_EQ(bf16_dots_in_use(), level == "avx3_bf16");
  }
}

TEST_F(CpuLevel, AutoIsTheBest) {
  for (const char* name : {"", "auto"}) {
    force_cpu_level("scalar");
    force_cpu_level(name);
    EXPECT_EQ(cpu_level(), available_cpu_levels().front());
  }
}

TEST_F(CpuLevel, RefusesWhatTheMachineLacks) {
  try {
    force_cpu_level("avx9");
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("avx9"), std::string::npos);
    EXPECT_NE(message.find("scalar"), std::string::npos) << "the names to choose from are missing";
  }
}

}  // namespace
}  // namespace nibble
