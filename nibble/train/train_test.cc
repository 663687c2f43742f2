#include "nibble/train/train.h"

#include <cmath>
#include <limits>
#include <memory>

#include <gtest/gtest.h>

#include "nibble/train/test_data.h"

namespace nibble {
namespace {

class TrainTest : public testing::Test {
 protected:
  TrainResult run(const TrainHooks& hooks = {}, std::size_t threads = 1) {
    ThreadPool pool(threads);
    return train(initial, training.as_sparse(), validation.as_sparse(), settings, pool, hooks);
  }
  std::string complaint() {
    try {
      run();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  test::Problem training = test::bag_of_words(200, 50, 6, 2, 1);
  test::Problem validation = test::bag_of_words(77, 50, 6, 2, 2);
  Mlp initial = initialised_mlp({50, {32, 8}, 2}, 3);
  TrainSettings settings = [] {
    TrainSettings s;
    s.epochs = 4;
    s.learning_rate = 1e-2;
    return s;
  }();
};

TEST_F(TrainTest, LearnsAndKeepsTheBestEpoch) {
  settings.epochs = 8;
  const TrainResult result = run();
  ASSERT_EQ(result.history.size(), 8U);
  EXPECT_LT(result.history.back().train_loss, 0.8 * result.history.front().train_loss);
  const EpochRecord& best = result.history.at(result.best_epoch - 1);
  EXPECT_EQ(best.epoch, result.best_epoch);
  for (const EpochRecord& record : result.history) {
    EXPECT_LE(record.validation_accuracy, best.validation_accuracy);
    if (record.validation_accuracy == best.validation_accuracy) {
      EXPECT_GE(record.validation_loss, best.validation_loss);
    }
    EXPECT_GT(record.seconds, 0.0);
  }
  EXPECT_FALSE(result.interrupted);
}

TEST_F(TrainTest, SameBytesAgainAndForAnyThreads) {
  const TrainResult one = run();
  for (const std::size_t threads : {1U, 2U, 3U}) EXPECT_EQ(run({}, threads).best, one.best);
}

TEST_F(TrainTest, TheSeedDecides) {
  const TrainResult one = run();
  settings.seed = 1;
  EXPECT_NE(run().best, one.best);
}

TEST_F(TrainTest, NoEpochsLeaveTheNetworkUntouched) {
  settings.epochs = 0;
  const TrainResult result = run();
  EXPECT_EQ(result.best, initial);
  EXPECT_EQ(result.best_epoch, 0U);
  EXPECT_TRUE(result.history.empty());
}

TEST_F(TrainTest, HooksSeeEveryStepAndEpoch) {
  std::vector<std::size_t> steps;
  std::vector<double> losses;
  std::size_t epochs = 0;
  Mlp best;
  TrainProgress last;
  TrainHooks hooks;
  hooks.on_step = [&](std::size_t step, double loss) {
    steps.push_back(step);
    losses.push_back(loss);
  };
  hooks.on_epoch = [&](const EpochRecord& record, const Mlp& best_yet, bool is_best) {
    EXPECT_EQ(record.epoch, ++epochs);
    EXPECT_NE(best_yet, initial);
    EXPECT_EQ(is_best, best_yet != best);
    best = best_yet;
  };
  hooks.on_progress = [&](const TrainProgress& progress) { last = progress; };
  const TrainResult result = run(hooks);
  EXPECT_EQ(epochs, 4U);
  ASSERT_EQ(steps.size(), 28U);  // 200 rows: 6 batches of 32 and one of 8
  for (std::size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(steps[i], i);
  double mean = 0.0;
  for (std::size_t i = 0; i < 7; ++i) mean += losses[i] / 7;
  EXPECT_NEAR(result.history[0].train_loss, mean, 1e-12);
  EXPECT_EQ(best, result.best);
  EXPECT_EQ(last.epoch, 4U);
  EXPECT_EQ(last.rows_done, 200U);
  EXPECT_EQ(last.rows, 200U);
}

TEST_F(TrainTest, StoppingKeepsTheBestSoFar) {
  std::size_t asked = 0;
  TrainHooks hooks;
  hooks.should_stop = [&] { return ++asked == 10; };  // in the second epoch
  const TrainResult stopped = run(hooks);
  EXPECT_TRUE(stopped.interrupted);
  EXPECT_EQ(stopped.history.size(), 1U);
  EXPECT_EQ(stopped.best_epoch, 1U);
  settings.epochs = 1;
  EXPECT_EQ(stopped.best, run().best);
}

TEST_F(TrainTest, StoppingInTheFirstEpochGivesTheNetworkAsItStands) {
  TrainHooks hooks;
  hooks.should_stop = [] { return true; };
  const TrainResult stopped = run(hooks);
  EXPECT_TRUE(stopped.interrupted);
  EXPECT_EQ(stopped.best_epoch, 0U);
  EXPECT_NE(stopped.best, initial);
  EXPECT_EQ(stopped.best.shape(), initial.shape());
}

TEST_F(TrainTest, PatienceEndsTrainingAfterTheBestEpoch) {
  settings.epochs = 50;
  const TrainResult all = run();
  EXPECT_FALSE(all.stopped_early);
  settings.patience = 3;
  const TrainResult result = run();
  EXPECT_TRUE(result.stopped_early);
  EXPECT_FALSE(result.interrupted);
  EXPECT_EQ(result.history.size(), result.best_epoch + 3);
  EXPECT_LT(result.history.size(), 50U);
}

// A training stored at any moment and read into another one ends with the same bytes.
class ResumeTest : public TrainTest {
 protected:
  struct Stored {
    TrainingState state;
    std::vector<AlignedVector<float>> numbers;
    Mlp best;
  };
  static Stored store(const TrainResult& so_far, const TrainingState& state) {
    Stored stored{state, {}, so_far.best};
    for (auto& numbers : stored.state.trainer.numbers)
      numbers = stored.numbers.emplace_back(numbers.begin(), numbers.end());
    return stored;
  }
  // Stops at batch `stop` (1-based), if that comes, and stores every state.
  std::vector<std::shared_ptr<Stored>> states(std::size_t stop) {
    std::vector<std::shared_ptr<Stored>> all;
    TrainHooks hooks;
    std::size_t asked = 0;
    hooks.should_stop = [&] { return ++asked == stop; };
    hooks.on_state = [&](const TrainResult& so_far, const TrainingState& state) {
      all.push_back(std::make_shared<Stored>(store(so_far, state)));
    };
    run(hooks, 2);
    return all;
  }
  TrainResult resume(const Stored& stored) {
    ThreadPool pool(1);
    return train(stored.best, training.as_sparse(), validation.as_sparse(), settings, pool, {},
                 &stored.state);
  }
  static void expect_same(const TrainResult& ours, const TrainResult& whole) {
    EXPECT_EQ(ours.best, whole.best);
    EXPECT_EQ(ours.best_epoch, whole.best_epoch);
    ASSERT_EQ(ours.history.size(), whole.history.size());
    for (std::size_t i = 0; i < ours.history.size(); ++i) {
      EXPECT_EQ(ours.history[i].train_loss, whole.history[i].train_loss);
      EXPECT_EQ(ours.history[i].validation_loss, whole.history[i].validation_loss);
    }
  }
};

TEST_F(ResumeTest, EveryEpochAndEveryBatchEndsWithTheSameBytes) {
  for (const Optimizer optimizer : {Optimizer::kAdam, Optimizer::kAdamW, Optimizer::kSgd}) {
    settings.optimizer = optimizer;
    settings.weight_decay = optimizer == Optimizer::kAdam ? 0.0 : 0.01;
    settings.momentum = optimizer == Optimizer::kSgd ? 0.9 : 0.0;
    settings.schedule = ScheduleKind::kCosine;
    const TrainResult whole = run();
    for (std::size_t stop = 1; stop <= 28; ++stop) {
      const auto all = states(stop);
      ASSERT_EQ(all.size(), (stop - 1) / 7 + 1);
      for (const auto& stored : all) expect_same(resume(*stored), whole);
    }
  }
}

TEST_F(ResumeTest, MoreEpochsGoOn) {
  settings.epochs = 2;
  const auto stored = states(0).back();
  settings.epochs = 4;
  expect_same(resume(*stored), run());
}

TEST_F(ResumeTest, PatienceThatHadRunOutEndsAtOnce) {
  settings.epochs = 50;
  settings.patience = 2;
  const auto stored = states(0).back();
  const TrainResult again = resume(*stored);
  EXPECT_TRUE(again.stopped_early);
  EXPECT_EQ(again.history.size(), stored->state.history.size());
}

TEST_F(ResumeTest, StatesOfAnotherTrainingAreRefused) {
  const auto stored = states(10).back();
  const auto broken = [&](const auto& change) {
    Stored copy = *stored;
    change(copy.state);
    EXPECT_THROW(resume(copy), Error);
  };
  broken([](TrainingState& s) { ++s.trainer.steps; });
  broken([](TrainingState& s) { ++s.batches; });
  broken([](TrainingState& s) { s.best_epoch = 2; });
  broken([](TrainingState& s) { s.history.clear(); });
  broken([](TrainingState& s) { s.trainer.numbers.pop_back(); });
  broken([](TrainingState& s) { s.trainer.numbers[1] = s.trainer.numbers[1].first(3); });
  broken([](TrainingState& s) { s.trainer.marks.pop_back(); });
  broken([](TrainingState& s) { s.trainer.marks[0] = 1000; });
  broken([](TrainingState& s) { s.trainer.marks[1] = -1; });
}

TEST_F(TrainTest, BatchLargerThanTheDataAndOneRow) {
  settings.batch = 1000;
  EXPECT_EQ(run().history.size(), 4U);
  training = test::bag_of_words(1, 50, 6, 2, 1);
  validation = training;
  EXPECT_EQ(run().history.size(), 4U);
}

TEST_F(TrainTest, RowsWithoutAnyFeature) {
  training.sparse = SparseRows{50, std::vector<std::uint64_t>(201), {}, {}};
  validation.sparse = SparseRows{50, std::vector<std::uint64_t>(78), {}, {}};
  EXPECT_EQ(run().history.size(), 4U);
}

TEST_F(TrainTest, HugeLearningRateDiverges) {
  settings.learning_rate = 1e30;
  EXPECT_THROW(run(), TrainingDiverged);
  EXPECT_NE(complaint().find("lower the learning rate (it is 1e+30)"), std::string::npos)
      << complaint();
}

TEST_F(TrainTest, DivergenceCarriesTheLastGoodState) {
  TrainHooks hooks;
  hooks.on_epoch = [&](const EpochRecord&, const Mlp&, bool) {
    training.sparse.values[0] = std::numeric_limits<float>::infinity();
  };
  try {
    run(hooks);
    FAIL() << "expected TrainingDiverged";
  } catch (const TrainingDiverged& diverged) {
    EXPECT_EQ(diverged.last_good().best_epoch, 1U);
    EXPECT_EQ(diverged.last_good().history.size(), 1U);
    training.sparse.values[0] = 1.0F;
    settings.epochs = 1;
    EXPECT_EQ(diverged.last_good().best, run().best);
  }
}

TEST_F(TrainTest, DivergenceInTheFirstEpochGivesTheInitialNetwork) {
  training.sparse.values.back() = std::numeric_limits<float>::infinity();
  try {
    run();
    FAIL() << "expected TrainingDiverged";
  } catch (const TrainingDiverged& diverged) {
    EXPECT_EQ(diverged.last_good().best_epoch, 0U);
    EXPECT_EQ(diverged.last_good().best, initial);
  }
}

TEST_F(TrainTest, NanInputsDiverge) {
  training.sparse.values[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(run(), TrainingDiverged);
}

TEST_F(TrainTest, SettingsOutOfRangeAreNamed) {
  const auto expect = [&](const char* part) {
    EXPECT_NE(complaint().find(part), std::string::npos) << complaint();
    settings = {};
  };
  settings.batch = 0;
  expect("batch is 0; expected 1 or more");
  settings.dropout = {1.0};
  expect("dropout is 1; expected a number from 0 to below 1");
  settings.dropout = {-0.1};
  expect("dropout is -0.1");
  settings.dropout = {std::nan("")};
  expect("dropout is nan");
  settings.learning_rate = 0.0;
  expect("learning rate is 0; expected a finite number above 0");
  settings.learning_rate = std::numeric_limits<double>::infinity();
  expect("learning rate is inf");
  settings.beta1 = 1.0;
  expect("beta1 is 1");
  settings.beta2 = -1.0;
  expect("beta2 is -1");
  settings.epsilon = 0.0;
  expect("epsilon is 0");
  settings.dropout = {0.1, 0.2, 0.3};
  expect("dropout has 3 numbers but the network has 2 hidden layers");
  settings.dropout = {};
  expect("dropout is empty");
  settings.clip_norm = -1.0;
  expect("clip norm is -1");
  settings.label_smoothing = 1.1;
  expect("label smoothing is 1.1; expected a number from 0 to 1");
  settings.class_weights = {1.0, 0.0};
  expect("class weights is 0; expected finite numbers above 0");
  settings.class_weights = {1.0, 2.0, 3.0};
  expect("class weights has 3 numbers but there are 2 labels");
  settings.class_weights = {1.0, 2.0};
  settings.balanced_classes = true;
  expect("both balanced and a list");
  settings.warmup = 1.5;
  expect("warmup is 1.5; expected a share of all steps from 0 to below 1, or a whole number");
  settings.weight_decay = -1.0;
  expect("weight decay is -1");
  settings.weight_decay = 0.01;
  expect("for sparse rows choose the optimizer adamw");
  settings.optimizer = Optimizer::kAdamW;
  settings.weight_decay = 2e4;
  expect("weight decay is 20000; expected less than 1 when multiplied by the learning rate");
  settings.momentum = 0.9;
  expect("momentum is 0.9; expected 0 unless the optimizer is sgd");
  settings.optimizer = Optimizer::kSgd;
  settings.momentum = 1.0;
  expect("momentum is 1; expected a number from 0 to below 1");
  settings.epochs = std::numeric_limits<std::size_t>::max();
  expect("more steps than training can count");
}

TEST_F(TrainTest, BadDataIsNamed) {
  const auto expect = [&](const char* part) {
    EXPECT_NE(complaint().find(part), std::string::npos) << complaint();
  };
  validation.labels[4] = 2;
  expect("row 5 of the validation part has label number 2 but the network has 2 outputs");
  validation.labels[4] = -1;
  expect("label number -1");
  validation.labels.pop_back();
  expect("77 rows but 76 labels");
  validation = test::bag_of_words(0, 50, 6, 2, 1);
  expect("the validation part has no rows");
  training = test::bag_of_words(10, 49, 6, 2, 1);
  expect("49 features");
}

TEST(TrainSettings, SchedulesHaveNames) {
  for (const char* name : {"constant", "cosine", "linear"})
    EXPECT_EQ(name_of(schedule_named(name)), name);
  EXPECT_THROW(schedule_named("step"), Error);
}

TEST(TrainSettings, OptimizersHaveNames) {
  for (const char* name : {"adam", "adamw", "sgd"}) EXPECT_EQ(name_of(optimizer_named(name)), name);
  EXPECT_THROW(optimizer_named("rmsprop"), Error);
}

TEST_F(TrainTest, SparseAndDensePartsDoNotMix) {
  ThreadPool pool(1);
  EXPECT_THROW(train(initial, training.as_sparse(), validation.as_dense(), settings, pool), Error);
}

}  // namespace
}  // namespace nibble
