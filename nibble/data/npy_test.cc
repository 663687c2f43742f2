#include "nibble/data/npy.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

// The oracle: format version 1.0 as numpy/lib/format.py describes it, header padded to a multiple
// of 64.
std::string npy(const std::string& type, const std::string& shape, const std::string& values,
                const std::string& order = "False") {
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}", type, order, shape);
  header.append(64 - (10 + header.size() + 1) % 64, ' ').append("\n");
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size() & 0xFF);
  file += static_cast<char>(header.size() >> 8);
  return file + header + values;
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

class NpyTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("nibble-npy-{}", getpid());
    make_folder(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  NpyFile open(const std::string& bytes) const {
    write_file_atomically(folder_ / "a.npy", bytes);
    return NpyFile(folder_ / "a.npy");
  }
  std::string error(const std::string& bytes) const {
    try {
      const NpyFile file = open(bytes);
      file.read_rows(0, file.rows());
    } catch (const Error& failure) {
      return failure.what();
    }
    return "";
  }

  std::filesystem::path folder_;
};

TEST_F(NpyTest, ReadsEveryTypeAndAnyRows) {
  for (const std::string& file :
       {npy("<f4", "(2, 3)", bytes_of<float>({1, 2, 3, 4, 5, 6})),
        npy("<f8", "(2, 3)", bytes_of<double>({1, 2, 3, 4, 5, 6})),
        npy("|u1", "(2, 3)", bytes_of<std::uint8_t>({1, 2, 3, 4, 5, 6})),
        npy("|b1", "(2, 3)", bytes_of<std::uint8_t>({1, 2, 3, 4, 5, 6})),
        npy("|i1", "(2, 3)", bytes_of<std::int8_t>({1, 2, 3, 4, 5, 6})),
        npy("<u2", "(2, 3)", bytes_of<std::uint16_t>({1, 2, 3, 4, 5, 6})),
        npy("<i2", "(2, 3)", bytes_of<std::int16_t>({1, 2, 3, 4, 5, 6})),
        npy("<u4", "(2, 3)", bytes_of<std::uint32_t>({1, 2, 3, 4, 5, 6})),
        npy("<i4", "(2, 3)", bytes_of<std::int32_t>({1, 2, 3, 4, 5, 6})),
        npy("<u8", "(2, 3)", bytes_of<std::uint64_t>({1, 2, 3, 4, 5, 6})),
        npy("<i8", "(2, 3)", bytes_of<std::int64_t>({1, 2, 3, 4, 5, 6}))}) {
    const NpyFile rows = open(file);
    EXPECT_EQ(rows.rows(), 2U);
    EXPECT_EQ(rows.columns(), 3U);
    EXPECT_EQ(rows.read_rows(0, 2).values, (AlignedVector<float>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(rows.read_rows(1, 1).values, (AlignedVector<float>{4, 5, 6}));
  }
}

TEST_F(NpyTest, SignsSurvive) {
  EXPECT_EQ(open(npy("|i1", "(2,)", bytes_of<std::int8_t>({-128, 127}))).read_rows(0, 1).values,
            (AlignedVector<float>{-128, 127}));
  EXPECT_EQ(open(npy("<i8", "(1,)", bytes_of<std::int64_t>({-5}))).read_rows(0, 1).values,
            (AlignedVector<float>{-5}));
}

// Format versions 2.0 and 3.0 have four bytes for the length of the header.
TEST_F(NpyTest, LaterVersions) {
  for (const char version : {'\2', '\3'}) {
    std::string bytes = npy("<f4", "(1, 2)", bytes_of<float>({1, 2}));
    bytes[6] = version;
    bytes.insert(10, 2, '\0');
    EXPECT_EQ(open(bytes).read_rows(0, 1).values, (AlignedVector<float>{1, 2}));
  }
}

TEST_F(NpyTest, OneDimensionIsOneRow) {
  const NpyFile rows = open(npy("<f4", "(2,)", bytes_of<float>({7, 8})));
  EXPECT_EQ(rows.rows(), 1U);
  EXPECT_EQ(rows.columns(), 2U);
}

TEST_F(NpyTest, NoRowsAreNoRows) { EXPECT_EQ(open(npy("<f4", "(0, 3)", "")).rows(), 0U); }

TEST_F(NpyTest, SaysWhatIsWrong) {
  const std::string six = bytes_of<float>({1, 2, 3, 4, 5, 6});
  EXPECT_NE(error("").find("no .npy file"), std::string::npos);
  EXPECT_NE(error("text, and more text").find("no .npy file"), std::string::npos);
  EXPECT_NE(error(npy("<f4", "(2, 3)", six).substr(0, 30)).find("inside its header"),
            std::string::npos);
  EXPECT_NE(error(npy("<f4", "(2, 3)", six, "True")).find("Fortran"), std::string::npos);
  EXPECT_NE(error(npy(">f4", "(2, 3)", six)).find("'>f4'"), std::string::npos);
  EXPECT_NE(error(npy("<f4", "(1, 2, 3)", six)).find("3 dimensions"), std::string::npos);
  EXPECT_NE(error(npy("<f4", "(3, 3)", six)).find("promises 3 x 3"), std::string::npos);
  EXPECT_NE(error(npy("<f4", "(2, 0)", six)).find("promises 2 x 0"), std::string::npos);
  EXPECT_NE(error(npy("<f4", "(4611686018427387904, 4)", six)).find("promises"), std::string::npos);
  EXPECT_NE(error(npy("<f4", "(99999999999999999999, 4)", six)).find("0 dimensions"),
            std::string::npos);
  EXPECT_NE(error(npy("<f8", "(1, 1)", bytes_of<double>({1e300}))).find("value 1 of row 1"),
            std::string::npos);
}

}  // namespace
}  // namespace nibble
