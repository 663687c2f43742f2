#include "nibble/measure/machine.h"

#include <gtest/gtest.h>

#include "nibble/kernels/cpu_level.h"

namespace nibble {
namespace {

TEST(Machine, EveryFieldIsFilled) {
  const MachineInfo machine = describe_machine();
  EXPECT_FALSE(machine.cpu_model.empty());
  EXPECT_GE(machine.processors, 1U);
  EXPECT_EQ(machine.cpu_level, cpu_level());
  EXPECT_TRUE(machine.memory.ends_with(" GiB")) << machine.memory;
  EXPECT_NE(machine.operating_system.find("Linux"), std::string::npos);
  EXPECT_FALSE(machine.compiler.empty());
  EXPECT_FALSE(machine.nibble_version.empty());
}

}  // namespace
}  // namespace nibble
