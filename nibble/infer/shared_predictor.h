// For tests: one Predictor, many threads, every answer compared with that of one thread alone.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "nibble/core/random.h"
#include "nibble/infer/predictor.h"
#include "nibble/text/bag_of_words.h"

namespace nibble {

class SharedPredictor {
 public:
  explicit SharedPredictor(Scheme scheme)
      : predictor_(model(scheme)), texts_(texts()), dense_(dense_rows()) {
    // From a predictor of its own: the shared one shall meet its first dense row among threads.
    const Predictor alone(model(scheme));
    PreparedMlp::Scratch scratch;
    for (const std::string& text : texts_)
      text_answers_.push_back(alone.predict(text, scratch).logits);
    for (const std::size_t batch : kBatches)
      dense_answers_.push_back(alone.logits(first_rows(batch), nullptr).values);
  }

  // Until `seconds` have passed, and at least a few rounds. The number of answers given and of
  // those that differ.
  struct Count {
    std::size_t answers = 0;
    std::size_t wrong = 0;
  };
  Count run(std::size_t threads, double seconds) const {
    std::atomic<std::size_t> answers{0};
    std::atomic<std::size_t> wrong{0};
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    const auto work = [&](std::size_t thread) {
      PreparedMlp::Scratch scratch;
      for (std::size_t round = 0; round < kFewestRounds || Clock::now() < end; ++round) {
        wrong += wrong_texts(thread + round, scratch) + wrong_batches(thread + round);
        answers += kTextsInARound + 1;
      }
    };
    std::vector<std::thread> running;
    for (std::size_t thread = 0; thread < threads; ++thread) running.emplace_back(work, thread);
    for (std::thread& thread : running) thread.join();
    return {answers, wrong};
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kWords = 200;
  static constexpr std::size_t kTexts = 64;
  static constexpr std::size_t kTextsInARound = 8;
  static constexpr std::size_t kFewestRounds = 3;
  static constexpr std::size_t kBatches[] = {1, 5, 6, 13};

  static std::uint32_t draw(std::size_t index) {
    return philox({5, RandomStream::kSample}, index)[0];
  }

  static std::string word(std::size_t index) { return "word" + std::to_string(1000 + index); }

  static Model model(Scheme scheme) {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < kWords; ++i) words.push_back(word(i));
    Model model;
    model.featurizer = BagOfWords{Vocabulary(words)};
    model.labels = {"a", "b", "c"};
    model.network =
        quantize(initialised_mlp({kWords, {65, 33}, 3}, 11), scheme, InputKind::kSparse);
    return model;
  }

  static Texts texts() {
    Texts result(kTexts);
    for (std::size_t i = 0; i < kTexts * 12; ++i)
      result[i / 12] += word(draw(i) % (kWords + 20)) + " ";  // some are not in the vocabulary
    return result;
  }

  // Every second row has no zero, the others one word.
  static DenseRows dense_rows() {
    DenseRows rows(13, kWords);
    for (std::size_t r = 0; r < rows.rows; ++r) {
      for (std::size_t c = 0; c < kWords; ++c)
        if (r % 2 == 0 || c == r) rows.at(r, c) = unit_float(draw(1000 + r * kWords + c)) - 0.3F;
    }
    return rows;
  }

  DenseRowsView first_rows(std::size_t count) const { return view_of(dense_).slice(0, count); }

  std::size_t wrong_texts(std::size_t start, PreparedMlp::Scratch& scratch) const {
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < kTextsInARound; ++i) {
      const std::size_t at = (start * kTextsInARound + i) % kTexts;
      if (predictor_.predict(texts_[at], scratch).logits != text_answers_[at]) ++wrong;
    }
    return wrong;
  }

  std::size_t wrong_batches(std::size_t round) const {
    const std::size_t at = round % std::size(kBatches);
    return predictor_.logits(first_rows(kBatches[at]), nullptr).values == dense_answers_[at] ? 0
                                                                                             : 1;
  }

  Predictor predictor_;
  Texts texts_;
  DenseRows dense_;
  std::vector<std::vector<float>> text_answers_;
  std::vector<AlignedVector<float>> dense_answers_;
};

}  // namespace nibble
