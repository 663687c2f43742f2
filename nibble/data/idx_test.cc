#include "nibble/data/idx.h"

#include <vector>

#include <zlib.h>

#include "nibble/core/digest.h"
#include "nibble/data/readers.h"
#include "nibble/data/test_folder.h"

namespace nibble {
namespace {

std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string idx(const std::vector<std::uint32_t>& sizes, const std::string& values,
                char type = 0x08) {
  std::string file = {'\0', '\0', type, static_cast<char>(sizes.size())};
  for (const std::uint32_t size : sizes) file += big_endian(size);
  return file + values;
}

std::string gzip(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

const std::string kImages =
    idx({3, 2, 2}, std::string("\x00\x01\x02\xFF\x10\x20\x30\x40\x05\x06\x07\x08", 12));
const std::string kLabels = idx({3}, std::string("\x0A\x02\x0A", 3));

class IdxTest : public TestFolder {
 protected:
  std::filesystem::path write_both(const std::string& images, const std::string& labels,
                                   const std::string& ending = "") const {
    write("train-labels-idx1-ubyte" + ending, labels);
    return write("train-images-idx3-ubyte" + ending, images);
  }
  std::string error(const std::string& images, const std::string& labels) const {
    return error_of([&] { load_examples(write_both(images, labels)); });
  }
};

void expect_content(const Examples& examples) {
  EXPECT_EQ(examples.numbers().rows, 3U);
  EXPECT_EQ(examples.numbers().columns, 4U);
  EXPECT_EQ(examples.numbers().values,
            (AlignedVector<float>{0, 1, 2, 255, 16, 32, 48, 64, 5, 6, 7, 8}));
  EXPECT_EQ(examples.label_names, (LabelNames{"2", "10"}));
  EXPECT_EQ(examples.labels, (std::vector<Label>{1, 0, 1}));
  EXPECT_EQ(examples.scale, 1.0F / 255.0F);
}

TEST_F(IdxTest, PlainAndPackedInAnyMixture) {
  for (const std::string& images : {kImages, gzip(kImages)}) {
    for (const std::string& labels : {kLabels, gzip(kLabels)}) {
      const Examples examples = load_examples(write_both(images, labels));
      expect_content(examples);
      EXPECT_EQ(examples.sha256, sha256_hex(images + labels));
    }
  }
  std::filesystem::remove(folder_ / "train-labels-idx1-ubyte");
  write("train-labels-idx1-ubyte.gz", gzip(kLabels));
  expect_content(load_examples(folder_ / "train-images-idx3-ubyte"));
}

TEST_F(IdxTest, MatchesKnownLabels) {
  EXPECT_EQ(load_examples(write_both(kImages, kLabels), {"10", "2"}).labels,
            (std::vector<Label>{0, 1, 0}));
  expect_in(":2: the label '2' is not among those known: 10, 3", error_of([&] {
              load_examples(write_both(kImages, kLabels), {"10", "3"});
            }));
}

TEST_F(IdxTest, EveryTruncationIsRefused) {
  for (std::size_t size = 2; size < kImages.size(); ++size) {
    error(kImages.substr(0, size), kLabels);
  }
  for (std::size_t size = 1; size < kLabels.size(); ++size) {
    error(kImages, kLabels.substr(0, size));
  }
  const std::string packed = gzip(kImages);
  for (std::size_t size = 2; size < packed.size(); ++size) {
    error(packed.substr(0, size), kLabels);
  }
  expect_in("ends too early", error(packed.substr(0, packed.size() - 1), kLabels));
}

TEST_F(IdxTest, ADamagedPackedFileIsRefused) {
  std::string packed = gzip(kImages);
  packed[packed.size() - 6] = static_cast<char>(packed[packed.size() - 6] ^ 1);  // its checksum
  expect_in("damaged", error(packed, kLabels));
  expect_in("damaged", error("\x1F\x8B and then text", kLabels));
}

TEST_F(IdxTest, PromisesAreCheckedBeforeAnythingIsAllocated) {
  expect_in("more than the file can hold", error(idx({0xFFFFFFFF, 28, 28}, "few"), kLabels));
  expect_in("more than the file can hold", error(gzip(idx({0xFFFFFFFF, 28, 28}, "few")), kLabels));
  expect_in("more bytes than a computer has",
            error(idx({1, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, "few"), kLabels));
  expect_in("but more are there", error(gzip(kImages + "x"), kLabels));
  expect_in("promises 12 bytes after its header, but more are there",
            error(kImages + "x", kLabels));
  expect_in("promises 13 bytes after its header, but only 3 are there; is it cut short?",
            error(gzip(idx({13, 1}, "few")), kLabels));
}

// A megabyte of zeros in a kilobyte: unpacked no further than the header says.
TEST_F(IdxTest, ABombIsNotUnpacked) {
  expect_in("but more are there", error(gzip(idx({1, 1}, std::string(1 << 20, '\0'))), kLabels));
}

TEST_F(IdxTest, RefusesOtherKinds) {
  expect_in("type 0x0D", error(idx({3, 1}, std::string(12, '\0'), 0x0D), kLabels));
  expect_in("holds labels", error(kLabels, kLabels));
  expect_in("has 3 dimensions; expected labels", error(kImages, kImages));
  expect_in("holds 2 labels for 3 images", error(kImages, idx({2}, "\x01\x02")));
  expect_in("holds no row", error(idx({0, 2, 2}, ""), idx({0}, "")));
  expect_in("holds no row", error(idx({3, 0, 2}, ""), kLabels));
  expect_in("is no IDX file", error(gzip("text"), kLabels));
}

TEST_F(IdxTest, SaysWhereTheLabelsShouldBe) {
  expect_in("expected them in", error_of([&] { load_examples(write("b-images-idx3", kImages)); }));
  expect_in("expected 'images' in the name",
            error_of([&] { load_examples(write("pictures", kImages)); }));
}

}  // namespace
}  // namespace nibble
