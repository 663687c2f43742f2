#include "nibble/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "nibble/network/reference_forward.h"
#include "nibble/train/reference_step.h"
#include "nibble/train/test_data.h"

namespace nibble {
namespace {

using Batch = std::vector<std::uint32_t>;

std::vector<Batch> batches(std::size_t rows, std::size_t size, std::size_t epochs) {
  std::vector<Batch> result;
  for (std::size_t epoch = 1; epoch <= epochs; ++epoch) {
    const auto order = shuffled_order(rows, 3, epoch);
    for (std::size_t first = 0; first < rows; first += size) {
      const std::size_t end = std::min(rows, first + size);
      result.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(first),
                          order.begin() + static_cast<std::ptrdiff_t>(end));
    }
  }
  return result;
}

struct Trained {
  Mlp network;
  std::vector<double> losses;
};

Trained fast(const Mlp& initial, const LabelledRows& data, const TrainSettings& settings,
             const std::vector<Batch>& work, std::size_t threads = 1) {
  ThreadPool pool(threads);
  Trainer trainer(initial, data, settings, static_cast<std::uint32_t>(work.size()), pool);
  Trained result{initial, {}};
  for (const Batch& batch : work) result.losses.push_back(trainer.step(batch));
  trainer.write_to(result.network);
  return result;
}

// As fast(), told of the order of `known` steps at a time.
Trained foretold(const Mlp& initial, const LabelledRows& data, const TrainSettings& settings,
                 const std::vector<Batch>& work, std::size_t known, std::size_t threads) {
  ThreadPool pool(threads);
  Trainer trainer(initial, data, settings, static_cast<std::uint32_t>(work.size()), pool);
  Trained result{initial, {}};
  Batch order;
  for (std::size_t i = 0; i < work.size(); ++i) {
    const std::size_t end = std::min(work.size(), i / known * known + known);
    if (i % known == 0) {
      order.clear();
      for (std::size_t j = i; j < end; ++j)
        order.insert(order.end(), work[j].begin(), work[j].end());
      trainer.expect(order, end == work.size());
    }
    result.losses.push_back(trainer.step(work[i], i + 1 < end ? work[i + 1] : Batch()));
  }
  trainer.write_to(result.network);
  return result;
}

Trained slow(const Mlp& initial, const test::Problem& p, const TrainSettings& settings,
             const std::vector<Batch>& work) {
  ReferenceTrainer trainer(initial, settings, work.size());
  Trained result;
  for (const Batch& batch : work) {
    const std::vector<std::size_t> chosen(batch.begin(), batch.end());
    const Rows rows = select_rows(p.sparse, chosen);
    std::vector<Label> labels;
    for (const std::size_t row : chosen) labels.push_back(p.labels[row]);
    result.losses.push_back(trainer.step(view_of(rows), labels));
  }
  result.network = to_mlp(trainer.network());
  return result;
}

struct Distance {
  double relative = 0.0;  // Frobenius
  double largest = 0.0;
};

Distance distance(std::span<const float> ours, std::span<const float> exact) {
  double square = 0.0;
  double norm = 0.0;
  Distance d;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const double difference = static_cast<double>(ours[i]) - static_cast<double>(exact[i]);
    square += difference * difference;
    norm += static_cast<double>(exact[i]) * static_cast<double>(exact[i]);
    d.largest = std::max(d.largest, std::abs(difference));
  }
  d.relative = std::sqrt(square / norm);
  return d;
}

void expect_close(const Mlp& ours, const Mlp& exact, double relative, double largest) {
  for (std::size_t l = 0; l < exact.layers.size(); ++l) {
    const Distance d = distance(ours.layers[l].weight.values, exact.layers[l].weight.values);
    EXPECT_LE(d.relative, relative) << "layer " << l;
    EXPECT_LE(d.largest, largest) << "layer " << l;
    EXPECT_LE(distance(ours.layers[l].bias, exact.layers[l].bias).largest, largest);
  }
}

struct Shape {
  std::vector<std::size_t> hidden;
  std::size_t outputs;
  std::size_t rows;
  std::size_t batch;
  double dropout;
};

class TrainerTest : public testing::TestWithParam<Shape> {
 protected:
  TrainerTest() : p(test::bag_of_words(GetParam().rows, 301, 12, GetParam().outputs, 1)) {
    settings.batch = GetParam().batch;
    settings.dropout = {GetParam().dropout};
    settings.seed = 11;
    settings.learning_rate = 1e-3;
    initial = initialised_mlp({301, GetParam().hidden, GetParam().outputs}, 5);
    work = batches(GetParam().rows, GetParam().batch, 2);
  }
  test::Problem p;
  TrainSettings settings;
  Mlp initial;
  std::vector<Batch> work;
};

TEST_P(TrainerTest, AgreesWithTheReference) {
  const Trained exact = slow(initial, p, settings, work);
  for (const LabelledRows& form : {p.as_sparse(), p.as_dense()}) {
    const Trained ours = fast(initial, form, settings, work);
    for (std::size_t i = 0; i < work.size(); ++i)
      EXPECT_NEAR(ours.losses[i], exact.losses[i], 1e-5 * exact.losses[i]) << "step " << i;
    expect_close(ours.network, exact.network, 1e-5, 2e-5);
  }
}

TEST_P(TrainerTest, SameBytesForAnyNumberOfThreads) {
  for (const LabelledRows& form : {p.as_sparse(), p.as_dense()}) {
    const Trained one = fast(initial, form, settings, work, 1);
    for (const std::size_t threads : {2U, 3U}) {
      const Trained more = fast(initial, form, settings, work, threads);
      EXPECT_EQ(one.losses, more.losses);
      EXPECT_EQ(one.network, more.network);
    }
  }
}

// Layers behind the first dense one that are worth dividing between the threads.
TEST(Trainer, LargeLaterLayersGiveTheSameBytesForAnyNumberOfThreads) {
  const test::Problem p = test::bag_of_words(60, 121, 9, 2, 8);
  const auto work = batches(60, 17, 2);
  const Mlp initial = initialised_mlp({121, {40, 280, 250}, 2}, 1);
  for (const LabelledRows& form : {p.as_sparse(), p.as_dense()}) {
    const Trained one = fast(initial, form, {}, work, 1);
    for (const std::size_t threads : {2U, 3U})
      EXPECT_EQ(fast(initial, form, {}, work, threads).network, one.network);
  }
}

TEST_P(TrainerTest, EvaluatesLikeTheReference) {
  ThreadPool pool(2);
  for (const LabelledRows& form : {p.as_sparse(), p.as_dense()}) {
    Trainer trainer(initial, form, settings, 100, pool);
    for (const Batch& batch : work) trainer.step(batch);
    Mlp now(initial.shape());
    trainer.write_to(now);
    const Evaluation ours = trainer.evaluate(form);
    const auto result = reference_gradients(reference_network(now), form.rows, p.labels, {});
    EXPECT_NEAR(ours.loss, result.loss, 1e-5 * result.loss);
    const Matrix<float> logits = reference_logits(now, form.rows);
    std::size_t right = 0;
    for (std::size_t r = 0; r < p.labels.size(); ++r) {
      const auto row = logits.row(r);
      right += std::ranges::max_element(row) - row.begin() == p.labels[r];
    }
    EXPECT_NEAR(ours.accuracy,
                100.0 * static_cast<double>(right) / static_cast<double>(p.labels.size()), 1e-9);
  }
}

TEST_P(TrainerTest, SameBytesWhenTheOrderIsForetold) {
  const LabelledRows data = p.as_sparse();
  const std::size_t epoch = work.size() / 2;
  for (const double decay : {0.0, 0.01}) {
    settings.optimizer = decay > 0.0 ? Optimizer::kAdamW : Optimizer::kAdam;
    settings.weight_decay = decay;
    const Trained told_nothing = fast(initial, data, settings, work);
    for (const std::size_t known : {epoch, std::size_t{1}}) {
      for (const std::size_t threads : {1U, 2U}) {
        const Trained told = foretold(initial, data, settings, work, known, threads);
        EXPECT_EQ(told.losses, told_nothing.losses);
        EXPECT_EQ(told.network, told_nothing.network);
      }
    }
  }
}

// What evaluation catches up stays part of the same training.
TEST_P(TrainerTest, EvaluationDoesNotDisturb) {
  ThreadPool pool(1);
  const LabelledRows data = p.as_sparse();
  Trainer trainer(initial, data, settings, 100, pool);
  for (const Batch& batch : work) {
    trainer.step(batch);
    trainer.evaluate(data);
  }
  Mlp often(initial.shape());
  trainer.write_to(often);
  const Trained once = fast(initial, data, settings, work);
  expect_close(often, once.network, 1e-5, 2e-5);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, TrainerTest,
    testing::Values(Shape{{}, 2, 70, 32, 0.3}, Shape{{}, 10, 31, 7, 0.0},
                    Shape{{64}, 2, 100, 32, 0.3}, Shape{{37, 5, 1}, 2, 65, 16, 0.0},
                    Shape{{37, 5, 3}, 3, 65, 33, 0.2}, Shape{{130, 128, 17}, 10, 64, 63, 0.5},
                    Shape{{1}, 2, 40, 1, 0.0}, Shape{{200, 48}, 4, 90, 1000, 0.3},
                    Shape{{16, 16}, 2, 1, 32, 0.1}));

// Betas without a closed form: every row at every step.
TEST(Trainer, OddBetasAgreeWithTheReference) {
  const test::Problem p = test::bag_of_words(64, 101, 9, 2, 8);
  const Mlp initial = initialised_mlp({101, {24}, 2}, 1);
  const auto work = batches(64, 16, 5);
  TrainSettings settings;
  for (const auto& [beta1, beta2] :
       {std::pair{0.9, 0.9}, std::pair{0.0, 0.99}, std::pair{0.5, 0.3}, std::pair{0.9, 0.9999}}) {
    settings.beta1 = beta1;
    settings.beta2 = beta2;
    const Trained exact = slow(initial, p, settings, work);
    expect_close(fast(initial, p.as_sparse(), settings, work).network, exact.network, 1e-5, 2e-5);
  }
}

// Every optimizer, with words that are away for many steps.
TEST(Trainer, OptimizersAgreeWithTheReference) {
  const test::Problem p = test::bag_of_words(96, 301, 9, 2, 8);
  const Mlp initial = initialised_mlp({301, {24, 8}, 2}, 1);
  const auto work = batches(96, 16, 6);
  TrainSettings plain;
  plain.learning_rate = 1e-3;
  plain.dropout = {0.2};
  std::vector<TrainSettings> all;
  for (const double decay : {0.0, 0.01, 10.0}) {
    TrainSettings& adamw = all.emplace_back(plain);
    adamw.optimizer = Optimizer::kAdamW;
    adamw.weight_decay = decay;
    for (const double momentum : {0.0, 0.9}) {
      TrainSettings& sgd = all.emplace_back(plain);
      sgd.optimizer = Optimizer::kSgd;
      sgd.learning_rate = 0.02;
      sgd.weight_decay = decay / 4;
      sgd.momentum = momentum;
    }
  }
  for (const TrainSettings& settings : all) {
    SCOPED_TRACE(testing::Message() << name_of(settings.optimizer) << " decay "
                                    << settings.weight_decay << " momentum " << settings.momentum);
    const Trained exact = slow(initial, p, settings, work);
    for (const LabelledRows& form : {p.as_sparse(), p.as_dense()}) {
      const Trained ours = fast(initial, form, settings, work, 2);
      expect_close(ours.network, exact.network, 1e-5, 2e-5);
      EXPECT_EQ(ours.network, fast(initial, form, settings, work, 1).network);
    }
  }
}

TEST(Trainer, SchedulesAgreeWithTheReference) {
  const test::Problem p = test::bag_of_words(96, 301, 9, 2, 8);
  const Mlp initial = initialised_mlp({301, {24, 8}, 2}, 1);
  const auto work = batches(96, 16, 6);
  TrainSettings settings;
  settings.weight_decay = 0.5;
  settings.warmup = 5;
  for (const Optimizer optimizer : {Optimizer::kAdamW, Optimizer::kSgd}) {
    settings.optimizer = optimizer;
    settings.learning_rate = optimizer == Optimizer::kSgd ? 0.02 : 1e-3;
    settings.momentum = optimizer == Optimizer::kSgd ? 0.9 : 0.0;
    for (const ScheduleKind kind :
         {ScheduleKind::kConstant, ScheduleKind::kCosine, ScheduleKind::kLinear}) {
      settings.schedule = kind;
      SCOPED_TRACE(testing::Message() << name_of(optimizer) << " " << name_of(kind));
      const Trained exact = slow(initial, p, settings, work);
      for (const LabelledRows& form : {p.as_sparse(), p.as_dense()})
        expect_close(fast(initial, form, settings, work, 2).network, exact.network, 1e-5, 2e-5);
    }
  }
}

// Clipping, label smoothing, class weights, dropout by layer; 1, 2 and 3 threads.
TEST(Trainer, LossOptionsAgreeWithTheReference) {
  const test::Problem p = test::bag_of_words(60, 121, 9, 3, 8);
  const auto work = batches(60, 17, 4);
  std::vector<TrainSettings> all;
  for (const Optimizer optimizer : {Optimizer::kAdam, Optimizer::kAdamW, Optimizer::kSgd}) {
    for (const double clip : {0.0, 0.05, 1e3}) {
      TrainSettings& s = all.emplace_back();
      s.optimizer = optimizer;
      s.learning_rate = optimizer == Optimizer::kSgd ? 0.05 : 1e-3;
      s.weight_decay = optimizer == Optimizer::kAdam ? 0.0 : 0.1;
      s.clip_norm = clip;
      s.label_smoothing = 0.1;
      s.class_weights = {0.5, 2.0, 1.25};
      s.dropout = {0.1, 0.4};
    }
  }
  for (const std::vector<std::size_t>& hidden : {std::vector<std::size_t>{150, 40}, {}}) {
    const Mlp initial = initialised_mlp({121, hidden, 3}, 1);
    for (TrainSettings settings : all) {
      if (hidden.empty()) settings.dropout = {0.0};
      SCOPED_TRACE(testing::Message() << name_of(settings.optimizer) << " clip "
                                      << settings.clip_norm << " layers " << hidden.size());
      const Trained exact = slow(initial, p, settings, work);
      for (const LabelledRows& form : {p.as_sparse(), p.as_dense()}) {
        const Trained ours = fast(initial, form, settings, work, 1);
        for (std::size_t i = 0; i < work.size(); ++i)
          EXPECT_NEAR(ours.losses[i], exact.losses[i], 1e-5 * exact.losses[i]) << "step " << i;
        expect_close(ours.network, exact.network, 1e-5, 2e-5);
        for (const std::size_t threads : {2U, 3U})
          EXPECT_EQ(fast(initial, form, settings, work, threads).network, ours.network);
      }
    }
  }
}

// A norm that nothing reaches changes only how the work is done.
TEST(Trainer, ClippingThatDoesNotClipLeavesTheBytes) {
  const test::Problem p = test::bag_of_words(96, 301, 9, 2, 8);
  const Mlp initial = initialised_mlp({301, {150, 40}, 2}, 1);
  const auto work = batches(96, 20, 4);
  TrainSettings settings;
  const Trained plain = fast(initial, p.as_sparse(), settings, work);
  settings.clip_norm = 1e9;
  EXPECT_EQ(fast(initial, p.as_sparse(), settings, work).network, plain.network);
}

TEST(Trainer, AdamWithDecayOfDenseRowsAgreesWithTheReference) {
  const test::Problem p = test::bag_of_words(64, 51, 9, 2, 8);
  const Mlp initial = initialised_mlp({51, {24, 8}, 2}, 1);
  const auto work = batches(64, 16, 4);
  TrainSettings settings;
  settings.learning_rate = 1e-3;
  settings.weight_decay = 0.1;
  const Trained exact = slow(initial, p, settings, work);
  expect_close(fast(initial, p.as_dense(), settings, work).network, exact.network, 1e-5, 2e-5);
}

// One epoch of a problem the size of a small text corpus: the closed form's distance to dense Adam.
TEST(Trainer, StaysCloseToDenseAdamForAnEpoch) {
  const test::Problem p = test::bag_of_words(3200, 2000, 15, 2, 2);
  const Mlp initial = initialised_mlp({2000, {32, 16}, 2}, 9);
  const auto work = batches(3200, 32, 1);
  const TrainSettings settings;
  const Trained exact = slow(initial, p, settings, work);
  const Trained ours = fast(initial, p.as_sparse(), settings, work);
  const Distance d =
      distance(ours.network.layers[0].weight.values, exact.network.layers[0].weight.values);
  EXPECT_LE(d.relative, 1e-5);
  EXPECT_LE(d.largest, 2e-5);
}

}  // namespace
}  // namespace nibble
