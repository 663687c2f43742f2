#include "nibble/formats/recipe_file.h"

#include "nibble/core/error.h"
#include "nibble/formats/test_models.h"

namespace nibble {
namespace {

class RecipeFile : public FolderTest {
 protected:
  std::string text_of_file(const std::string& name, std::string_view content) const {
    const auto path = folder_ / name;
    write_file_atomically(path, content);
    return recipe_from(path.string()).text();
  }
};

TEST_F(RecipeFile, IsTextOrJsonOrToml) {
  EXPECT_EQ(recipe_from("0=int8,1=f16").text(), "0=int8,1=f16");
  EXPECT_EQ(text_of_file("a.json", R"({"0": "int4:row", "1-3": "int8"})"), "0=int4:row,1-3=int8");
  EXPECT_EQ(text_of_file("a.toml", "# words\n0 = \"int4:row\"  # narrow\n\n\"*\" = 'int8'"),
            "0=int4:row,*=int8");
}

TEST_F(RecipeFile, WhatIsWrongNamesTheFileAndTheLine) {
  expect_refused([&] { text_of_file("b.toml", "0 = \"int8\"\n1 = 8\n"); }, "line 2 is '1 = 8'");
  expect_refused([&] { text_of_file("b.toml", "[layers]\n"); }, "line 1 is '[layers]'");
  expect_refused([&] { text_of_file("b.toml", ""); }, "names no layers");
  expect_refused([&] { text_of_file("b.json", "[]"); }, "b.json");
  expect_refused([&] { text_of_file("b.json", "{}"); }, "names no layers");
  expect_refused([&] { recipe_from("none.json"); }, "none.json");
}

}  // namespace
}  // namespace nibble
