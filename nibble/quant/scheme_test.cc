#include "nibble/quant/scheme.h"

#include <string>

#include <gtest/gtest.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

TEST(Scheme, EveryNameLeadsBackToItsScheme) {
  for (const Scheme scheme : kSchemes) EXPECT_EQ(scheme_named(name_of(scheme)), scheme);
}

TEST(Scheme, UnknownNameIsAnErrorThatListsTheNames) {
  for (const std::string name : {"", "INT8", "int8 ", "int5"}) {
    try {
      scheme_named(name);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()),
                "there is no quantization scheme \"" + name +
                    "\"; use one of f32, f16, bf16, int8, int8-torch, int4");
    }
  }
}

}  // namespace
}  // namespace nibble
