#include <algorithm>
#include <cstring>

#include "nibble/core/error.h"
#include "nibble/formats/byte_reader.h"
#include "nibble/formats/checksum.h"
#include "nibble/formats/test_models.h"
#include "nibble/formats/zip_layout.h"
#include "nibble/formats/zip_reader.h"
#include "nibble/formats/zip_writer.h"

namespace nibble {
namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

const Entries kEntries = {{"model/data.pkl", "pickle"},
                          {"model/data/0", std::string(1000, 'x')},
                          {"model/empty", ""},
                          {"model/version", "3\n"}};

class ZipTest : public FolderTest {
 protected:
  std::string archive_of(const Entries& entries, std::uint64_t zip64_from = 0xFFFFFFFF) const {
    return written([&](AtomicFile& file) {
      ZipWriter zip(file, zip64_from);
      for (const auto& [name, content] : entries) zip.add(name, content);
      zip.finish();
    });
  }
};

// Overwrites bytes of the archive, as someone with bad intentions would.
template <typename T>
void poke(std::string& bytes, std::size_t offset, T value) {
  ASSERT_LE(offset + sizeof(T), bytes.size());
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

std::size_t find_central(const std::string& archive, std::size_t number = 0) {
  std::size_t at = archive.find("PK\x01\x02");
  for (std::size_t i = 0; i < number; ++i) at = archive.find("PK\x01\x02", at + 1);
  return at;
}

// Offsets of fields in a central header.
constexpr std::size_t kFlags = 8;
constexpr std::size_t kMethod = 10;
constexpr std::size_t kSize = 20;
constexpr std::size_t kOffset = 42;
constexpr std::size_t kCentralName = 46;

std::string read_problem(const std::string& archive) {
  return sentence_of([&] { ZipReader{bytes_of(archive)}; });
}

void expect_problem(const std::string& archive, const std::string& because) {
  expect_refused([&] { ZipReader{bytes_of(archive)}; }, because);
}

void expect_same_entries(const std::string& archive, const Entries& entries) {
  const ZipReader reader(bytes_of(archive));
  ASSERT_EQ(reader.entries().size(), entries.size());
  for (const auto& [name, content] : entries) {
    const ZipEntry* entry = reader.find(name);
    ASSERT_NE(entry, nullptr) << name;
    EXPECT_EQ(text_of(entry->bytes), content);
    EXPECT_NO_THROW(require_checksum(*entry));
  }
  EXPECT_EQ(reader.find("model/other"), nullptr);
}

TEST_F(ZipTest, ReadsWhatItWrote) { expect_same_entries(archive_of(kEntries), kEntries); }

TEST_F(ZipTest, AnEmptyArchiveHasNoEntries) { expect_same_entries(archive_of({}), {}); }

TEST_F(ZipTest, EveryEntryStartsAtAMultipleOf64) {
  for (std::size_t length = 0; length < 65; ++length) {
    const std::string archive = archive_of({{std::string(length + 1, 'n'), "a"}, {"b", "b"}});
    const ZipReader reader(bytes_of(archive));
    for (const ZipEntry& entry : reader.entries())
      EXPECT_EQ((reinterpret_cast<const char*>(entry.bytes.data()) - archive.data()) % 64, 0);
  }
}

TEST_F(ZipTest, TheSameEntriesGiveTheSameBytes) {
  EXPECT_EQ(archive_of(kEntries), archive_of(kEntries));
}

TEST_F(ZipTest, LargeArchivesUse64BitFields) {
  for (const std::uint64_t from : {0, 10, 500, 1500})
    expect_same_entries(archive_of(kEntries, from), kEntries);
}

TEST_F(ZipTest, ManyEntriesUseA64BitCount) {
  Entries entries;
  for (int i = 0; i < 65537; ++i) entries.emplace_back("e" + std::to_string(i), "");
  EXPECT_EQ(ZipReader(bytes_of(archive_of(entries))).entries().size(), 65537U);
}

TEST_F(ZipTest, ACommentIsAllowed) {
  std::string archive = archive_of(kEntries);
  poke(archive, archive.size() - 2, std::uint16_t{5});
  archive += "hello";
  expect_same_entries(archive, kEntries);
  archive += "!";
  expect_problem(archive, "no end record");
}

TEST_F(ZipTest, CutShortAnywhereItIsRefused) {
  for (const std::uint64_t zip64_from : {std::uint64_t{0}, std::uint64_t{0xFFFFFFFF}}) {
    expect_truncations_refused(archive_of(kEntries, zip64_from),
                               [](std::span<const std::byte> bytes) { ZipReader{bytes}; });
  }
}

TEST_F(ZipTest, AnyFlippedByteIsRefusedOrHarmless) {
  const std::string archive = archive_of(kEntries, 500);
  for (std::size_t i = 0; i < archive.size(); ++i) {
    std::string damaged = archive;
    damaged[i] = static_cast<char>(~damaged[i]);
    try {
      const ZipReader reader(bytes_of(damaged));
      for (const ZipEntry& entry : reader.entries()) require_checksum(entry);
    } catch (const Error&) {
      continue;  // the sanitizers watch for anything worse
    }
  }
}

TEST_F(ZipTest, ADamagedEntryIsFoundByItsChecksum) {
  std::string archive = archive_of(kEntries);
  archive[archive.find("pickle")] = 'P';
  const ZipReader reader(bytes_of(archive));
  expect_refused([&] { require_checksum(*reader.find("model/data.pkl")); }, "damaged");
}

TEST_F(ZipTest, CompressedAndEncryptedEntriesAreRefusedByName) {
  std::string archive = archive_of(kEntries);
  poke(archive, find_central(archive, 1) + kMethod, std::uint16_t{8});
  poke(archive, archive.find("PK\x03\x04", 1) + 8, std::uint16_t{8});
  const ZipReader reader(bytes_of(archive));
  expect_refused([&] { reader.find("model/data/0"); }, "'model/data/0' is compressed");
  EXPECT_NO_THROW(reader.find("model/data.pkl"));
  archive = archive_of(kEntries);
  poke(archive, find_central(archive, 1) + kFlags, std::uint16_t{1});
  expect_problem(archive, "'model/data/0' is encrypted");
}

TEST_F(ZipTest, NamesThatAppearTwiceOrLeadOutAreRefused) {
  expect_problem(archive_of({{"a/b", "1"}, {"a/b", "2"}}), "two entries 'a/b'");
  for (const std::string name : {"../a", "a/../../b", "a/..", "..", "a\\..\\b"})
    expect_problem(archive_of({{name, "1"}}), "leads out of its folder");
  for (const std::string& name :
       {std::string("/a"), std::string("\\a"), std::string(), std::string("a\0b", 3)})
    expect_problem(archive_of({{name, "1"}}), "forbidden name");
  EXPECT_NO_THROW(ZipReader{bytes_of(archive_of({{"a..b/c...d", "1"}}))});
}

TEST_F(ZipTest, EntriesThatOverlapAreRefused) {
  // The second header comes to lie inside the first entry's bytes, where a whole archive stands.
  const std::string inner = archive_of({{"b", "1"}});
  std::string archive = archive_of({{"a", inner}, {"b", "1"}});
  poke(archive, find_central(archive, 2) + kOffset, std::uint32_t{64});
  expect_problem(archive, "overlap");
}

TEST_F(ZipTest, OffsetsAndSizesOutsideAreRefused) {
  const std::string archive = archive_of(kEntries);
  for (const std::uint32_t offset :
       {0xFFFFFFFFU, 0x7FFFFFFFU, static_cast<unsigned>(archive.size())}) {
    std::string damaged = archive;
    poke(damaged, find_central(damaged) + kOffset, offset);
    expect_problem(damaged, "model/data.pkl");
  }
  std::string damaged = archive;
  poke(damaged, find_central(damaged) + kSize, std::uint32_t{0x7FFFFFFF});
  poke(damaged, find_central(damaged) + kSize + 4, std::uint32_t{0x7FFFFFFF});
  expect_problem(damaged, "ends too early");
}

TEST_F(ZipTest, SizesNear2To63AreRefused) {
  const std::string archive = archive_of({{"a", "1"}}, 0);
  const std::size_t extra = find_central(archive) + kCentralName + 1 + 4;
  for (const std::uint64_t hostile :
       {std::uint64_t{1} << 63, (std::uint64_t{1} << 63) - 1, UINT64_MAX, UINT64_MAX - 63}) {
    std::string damaged = archive;
    poke(damaged, extra, hostile);
    poke(damaged, extra + 8, hostile);
    expect_problem(damaged, "ends too early");
    damaged = archive;
    poke(damaged, extra + 16, hostile);
    expect_problem(damaged, "outside of the archive");
    damaged = archive;
    poke(damaged, damaged.size() - zip::kEndSize - zip::kEnd64LocatorSize + 8, hostile);
    expect_problem(damaged, "64-bit end record");
    damaged = archive;
    poke(damaged, damaged.size() - zip::kEndSize - zip::kEnd64LocatorSize - 8, hostile);
    expect_problem(damaged, "ZIP directory");
  }
}

TEST_F(ZipTest, HeadersThatContradictEachOtherAreRefused) {
  std::string archive = archive_of(kEntries);
  archive[zip::kLocalHeaderSize] = 'M';  // the first name, in its local header only
  expect_problem(archive, "contradict");
  archive = archive_of(kEntries);
  poke(archive, archive.size() - 12, std::uint16_t{3});  // entries announced
  expect_problem(archive, "has 4 entries but 3");
}

TEST(Zip, BytesThatAreNoArchiveAreRefused) {
  EXPECT_NE(read_problem("").find("no end record"), std::string::npos);
  expect_problem(std::string(100000, 'P'), "no end record");
}

// The check value of CRC-32/ISO-HDLC, the CRC of ZIP.
TEST(Checksum, IsTheOneOfZip) {
  EXPECT_EQ(crc32_of(bytes_of("123456789")), 0xCBF43926U);
  EXPECT_EQ(crc32_of(bytes_of("6789"), crc32_of(bytes_of("12345"))), 0xCBF43926U);
  EXPECT_EQ(crc32_of({}), 0U);
}

}  // namespace
}  // namespace nibble
