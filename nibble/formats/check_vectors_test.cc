#include "nibble/formats/check_vectors.h"

#include "nibble/formats/test_models.h"
#include "nibble/network/reference_forward.h"

namespace nibble {
namespace {

using Metadata = std::map<std::string, std::string>;

TEST(CheckVectors, HoldWhatPlainLoopsGive) {
  for (const Model& model : {word_model(), number_model()}) {
    const auto checks = make_checks(model);
    ASSERT_EQ(checks.size(), 3U);
    for (const CheckVector& check : checks) {
      const Rows row = check_row(model.featurizer, check);
      const auto logits = reference_logits(std::get<Mlp>(model.network), view_of(row));
      EXPECT_TRUE(std::ranges::equal(logits.values, check.logits));
    }
    EXPECT_NE(checks[0].input, checks[1].input);
    EXPECT_EQ(checks[2].input, "");
  }
}

TEST(CheckVectors, TheFirstOneTouchesManyInputs) {
  const Model model = word_model();
  const Rows row = check_row(model.featurizer, make_checks(model)[0]);
  EXPECT_GE(std::get<SparseRows>(row).indices.size(), 8U);
}

TEST(CheckVectors, ComeBackToTheBit) {
  const Model model = word_model();
  const auto checks = make_checks(model);
  Metadata metadata;
  add_checks(checks, metadata);
  const auto again = checks_from(metadata, model);
  ASSERT_EQ(again.size(), checks.size());
  for (std::size_t i = 0; i < checks.size(); ++i) {
    EXPECT_EQ(again[i].input, checks[i].input);
    EXPECT_EQ(again[i].logits, checks[i].logits);
  }
  EXPECT_TRUE(checks_from({}, model).empty());
}

TEST(CheckVectors, ThatDoNotFitAreRefused) {
  const Model model = number_model();  // 3 columns, 2 labels
  const auto problem = [&](const Metadata& metadata, const std::string& because) {
    expect_refused([&] { checks_from(metadata, model); }, because);
  };
  problem({{"check_inputs", "[]"}}, "one half");
  problem({{"check_inputs", "[\"\"]"}, {"check_logits", "[]"}}, "1 check inputs and 0 rows");
  problem({{"check_inputs", "[\"\"]"}, {"check_logits", "[\"1,2,3\"]"}}, "3 logits for 2 labels");
  problem({{"check_inputs", "[\"\"]"}, {"check_logits", "[\"1,x\"]"}}, "'x'");
  for (const char* input : {"3:1", "1", "1:", "-1:1", "1:x", "99999999999999999999:1"})
    expect_refused([&] { check_row(model.featurizer, {input, {}}); }, "check vector");
}

}  // namespace
}  // namespace nibble
