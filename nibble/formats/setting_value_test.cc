#include "nibble/formats/setting_value.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(SettingValue, OnlyTheShortestFormIsANumber) {
  EXPECT_EQ(number_from_text("10"), SettingNumber(std::int64_t{10}));
  EXPECT_EQ(number_from_text("-3"), SettingNumber(std::int64_t{-3}));
  EXPECT_EQ(number_from_text("0.3"), SettingNumber(0.3));
  EXPECT_EQ(number_from_text("0.0001"), SettingNumber(0.0001));
  EXPECT_EQ(number_from_text("1e-05"), SettingNumber(1e-05));
  for (const std::string_view text :
       {"", "007", "+1", "-0", "1e-4", "1.0", " 1", "1 ", "0x10", "nan", "inf", "1,2", "ten"})
    EXPECT_EQ(number_from_text(text), std::nullopt) << text;
}

TEST(SettingValue, NumbersComeBackAsTheSameText) {
  for (const std::string_view text :
       {"0", "9223372036854775807", "9223372036854775808", "0.1", "1e+100", "-2.5", "5e-324"}) {
    const auto number = number_from_text(text);
    if (number) {
      EXPECT_EQ(text_from_number(*number), text);
    }
  }
}

TEST(SettingValue, ListsAreNumbersBetweenCommas) {
  using Numbers = std::vector<SettingNumber>;
  EXPECT_EQ(numbers_from_text("512,256"), (Numbers{std::int64_t{512}, std::int64_t{256}}));
  EXPECT_EQ(numbers_from_text("0.5"), (Numbers{0.5}));
  EXPECT_EQ(numbers_from_text(""), Numbers{});
  for (const std::string_view text : {",", "1,", ",1", "1,a", "a"})
    EXPECT_EQ(numbers_from_text(text), std::nullopt) << text;
}

}  // namespace
}  // namespace nibble
