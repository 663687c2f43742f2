#include "nibble/data/readers.h"

#include <vector>

#include "nibble/core/digest.h"
#include "nibble/data/lines.h"
#include "nibble/data/test_folder.h"

namespace nibble {
namespace {

using Labels = std::vector<Label>;

class LoadExamples : public TestFolder {
 protected:
  Examples load(std::string_view content, const std::string& name = "a.tsv",
                const LabelNames& known = {}) const {
    return load_examples(write(name, content), known);
  }
  // The error for this content, without the folder's name.
  std::string error(std::string_view content, const std::string& name = "a.tsv",
                    const LabelNames& known = {}) const {
    std::string sentence = error_of([&] { load(content, name, known); });
    if (const auto at = sentence.find(folder_.string() + "/"); at != std::string::npos) {
      sentence.erase(at, folder_.string().size() + 1);
    }
    return sentence;
  }
};

TEST_F(LoadExamples, SentenceTabLabel) {
  const Examples examples = load("good film\tpos\nbad\tneg\ngood again\tpos\n");
  EXPECT_EQ(examples.texts(), (Texts{"good film", "bad", "good again"}));
  EXPECT_EQ(examples.label_names, (LabelNames{"neg", "pos"}));
  EXPECT_EQ(examples.labels, (Labels{1, 0, 1}));
  EXPECT_EQ(examples.source, (folder_ / "a.tsv").string());
  EXPECT_EQ(examples.sha256, sha256_hex("good film\tpos\nbad\tneg\ngood again\tpos\n"));
}

TEST_F(LoadExamples, TheLabelStandsAfterTheLastTab) {
  EXPECT_EQ(load("a\tb\t1\n\t0").texts(), (Texts{"a\tb", ""}));
}

TEST_F(LoadExamples, LineEndsOfAllKinds) {
  const std::string with_mark = std::string("\xEF\xBB\xBF") + "a\t1\nb\t0\n";
  for (const std::string& content :
       {std::string("a\t1\nb\t0\n"), std::string("a\t1\nb\t0"), std::string("a\t1\r\nb\t0\r\n"),
        std::string("a\t1\nb\t0\n\n\r\n\n"), with_mark, std::string("a\t 1\nb\t0 \r\n")}) {
    const Examples examples = load(content);
    EXPECT_EQ(examples.texts(), (Texts{"a", "b"}));
    EXPECT_EQ(examples.label_names, (LabelNames{"0", "1"}));
  }
}

TEST_F(LoadExamples, OtherSeparatorsStayInsideASentence) {
  EXPECT_EQ(load("a\vb\fc\u2028d\u0085e\rf\t1\n").texts(), Texts{"a\vb\fc\u2028d\u0085e\rf"});
}

TEST_F(LoadExamples, AHeadingIsNoRow) {
  EXPECT_EQ(load("sentence\tlabel\na\t1\n").label_names, LabelNames{"1"});
  EXPECT_EQ(load("a\t1\nsentence\tlabel\n").rows(), 2U);
}

TEST_F(LoadExamples, LabelsSortByNumberIfAllAreNumbers) {
  EXPECT_EQ(load("a\t10\na\t9\na\t-1\n").label_names, (LabelNames{"-1", "9", "10"}));
  EXPECT_EQ(load("a\t10\na\t9\na\tx\n").label_names, (LabelNames{"10", "9", "x"}));
  EXPECT_EQ(load("a\té\na\tz\na\tA\n").label_names, (LabelNames{"A", "z", "é"}));
  EXPECT_EQ(load("a\t10\na\t9\na\t-1\n").labels, (Labels{2, 1, 0}));
}

TEST_F(LoadExamples, KnownLabelsKeepTheirIndices) {
  const Examples examples = load("a\tneg\nb\tpos\n", "a.tsv", {"pos", "neg", "mixed"});
  EXPECT_EQ(examples.labels, (Labels{1, 0}));
  EXPECT_EQ(examples.label_names, (LabelNames{"pos", "neg", "mixed"}));
  EXPECT_EQ(error("a\tpos\nb\tbad\n", "a.tsv", {"pos", "neg"}),
            "a.tsv:2: the label 'bad' is not among those known: pos, neg");
}

TEST_F(LoadExamples, RefusesBadText) {
  expect_in("a.tsv:2: this row has no TAB", error("a\t1\nb 0\nc\t1\n"));
  expect_in("a.tsv:2: this row has no TAB", error("a\t1\n\nc\t1\n"));
  expect_in("a.tsv:3: the label is empty", error("a\t1\nb\t0\nc\t \n"));
  expect_in("a.tsv:1: what stands in the last column (257 bytes) is no label",
            error("a\t" + std::string(257, 'x')));
  expect_in("is no label", error("a\tx\x01y\n"));
  expect_in("a.tsv:2: byte 3 of this line (0xFF) is not UTF-8", error("a\t1\nab\xFF\t1\n"));
  expect_in("a.tsv:1: byte 2 of this line (0xE9) is not UTF-8", error("\xEF\xBB\xBF"
                                                                      "a\xE9\t1\n"));
  expect_in("a.tsv:2: byte 2 of this line is a NUL", error(std::string_view("a\t1\nb\0\t1\n", 9)));
}

TEST_F(LoadExamples, RefusesALineOfMoreThan16MiB) {
  const std::string rest = "\t1";
  EXPECT_EQ(load(std::string(kLongestLine - rest.size(), 'a') + rest).rows(), 1U);
  expect_in("a.tsv:2: this line has more than 16777216 bytes (16 MiB)",
            error("a\t1\n" + std::string(kLongestLine - rest.size() + 1, 'a') + rest));
}

TEST_F(LoadExamples, RefusesWhatIsNoFileOrHoldsNothing) {
  expect_in("missing.tsv", error_of([&] { load_examples(folder_ / "missing.tsv"); }));
  expect_in("is a folder", error_of([&] { load_examples(folder_); }));
  expect_in("'a.tsv' is empty",
            error_of([&] { load(""); }).replace(0, folder_.string().size() + 2, "'"));
  for (const char* content : {"\n", "\xEF\xBB\xBF", "\r\n\r\n", "sentence\tlabel\n"}) {
    expect_in("holds no row", error(content));
  }
  expect_in("holds no row", error("x1,x2,y\n", "a.csv"));
}

TEST_F(LoadExamples, NumbersAndThenALabel) {
  const Examples examples = load("x,y,kind\n1, 2.5,a\n-3e2,+4,\"b\"\n 0.1 ,1e-50,a\n", "a.csv");
  EXPECT_EQ(examples.numbers().rows, 3U);
  EXPECT_EQ(examples.numbers().columns, 2U);
  EXPECT_EQ(examples.numbers().values, (AlignedVector<float>{1, 2.5F, -300, 4, 0.1F, 0}));
  EXPECT_EQ(examples.label_names, (LabelNames{"a", "b"}));
  EXPECT_EQ(examples.labels, (Labels{0, 1, 0}));
}

TEST_F(LoadExamples, ACsvWithoutAHeading) { EXPECT_EQ(load("1,2,0\n3,4,1\n", "a.csv").rows(), 2U); }

TEST_F(LoadExamples, ACsvWithTabsIsText) { EXPECT_TRUE(load("1,2\t0\n", "a.csv").is_text()); }

TEST_F(LoadExamples, RefusesBadNumbers) {
  expect_in("a.csv:2: 1 numbers in this row, but 2", error("1,2,0\n3,1\n", "a.csv"));
  expect_in("a.csv:2: 'x' in column 2 is no number", error("1,2,0\n3,x,1\n", "a.csv"));
  expect_in("a.csv:1: '' in column 2 is no number", error("1,,0\n", "a.csv"));
  expect_in("'1 2' in column 1 is no number", error("1,0\n1 2,0\n", "a.csv"));
  expect_in("'+-1' in column 1 is no number", error("1,0\n+-1,0\n", "a.csv"));
  for (const char* number : {"nan", "-NaN", "inf", "-Infinity", "1e39", "1e999"}) {
    expect_in("is NaN, infinite or beyond", error(std::string(number) + ",1\n", "a.csv"));
  }
  expect_in("a.csv:2: this row has no comma", error("1,2\n3\n", "a.csv"));
  expect_in("a.csv:1: the label is empty", error("1,2,\n", "a.csv"));
  expect_in("a.csv:1: byte 1 of this line (0x80) is not UTF-8", error("\x80,1\n", "a.csv"));
}

TEST(RequireTrainable, WantsTwoLabelsAndARowForEach) {
  Examples examples;
  examples.source = "a.tsv";
  examples.label_names = {"1"};
  examples.labels = {0, 0};
  expect_in("'a.tsv' has 1 label only, '1'", error_of([&] { require_trainable(examples); }));
  examples.label_names = {"1", "2", "3"};
  expect_in("cannot train 3 labels on 2 rows of 'a.tsv'",
            error_of([&] { require_trainable(examples); }));
  examples.label_names = {"1", "2"};
  EXPECT_NO_THROW(require_trainable(examples));
  examples.label_names = {};
  expect_in("has 0 labels", error_of([&] { require_trainable(examples); }));
}

}  // namespace
}  // namespace nibble
