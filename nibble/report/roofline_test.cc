#include "nibble/report/roofline.h"

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/report/gnuplot.h"

namespace nibble {
namespace {

BenchReport made_up_report() {
  BenchReport report;
  report.file = "models/it's.safetensors";
  report.scheme = Scheme::kInt8;
  report.machine.cpu_level = "avx2";
  report.machine.cpu_model = "CPU";
  report.ceilings.one_thread = {100.0, 400.0, 0.0, 200.0, 100.0, 90.0, 30.0};
  BenchRun run;
  run.batch = 256;
  run.times.median_ns = 1000.0;
  run.work = {250'000.0, 10'000.0};  // 25 operations per byte, 250 per nanosecond
  report.runs.push_back(run);
  run.input = InputKind::kDense;
  run.work = {7'000.0, 1'000.0};
  report.runs.push_back(run);
  for (const std::size_t layer : {0, 1}) {
    report.layers.push_back({layer, {}, 1, 100.0, {2'000.0, 1'000.0}, 10.0});
  }
  return report;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(RooflineScript, PlacesPointsByIntensityAndRate) {
  const std::string script = roofline_script(made_up_report());
  EXPECT_TRUE(holds(script, "\n25 250 \"256\"\n")) << script;
  EXPECT_FALSE(holds(script, "\n7 7 "));          // a dense copy of sparse rows
  EXPECT_TRUE(holds(script, "2 20 \"0, 1\"\n"));  // one spot, one text
}

TEST(RooflineScript, DrawsEveryCeilingThatWasMeasured) {
  const std::string script = roofline_script(made_up_report());
  for (const char* text : {"byte dot product, 400", "f32 multiply-add, 100", "L1, 200 GB/s",
                           "L2, 100 GB/s", "L3, 90 GB/s", "memory, 30 GB/s"}) {
    EXPECT_TRUE(holds(script, text)) << text;
  }
  EXPECT_FALSE(holds(script, "bf16"));
  EXPECT_TRUE(holds(script, "'it''s.safetensors, int8, one thread, level avx2, CPU'"));
}

TEST(RooflineScript, NeedsARunOnOneThread) {
  BenchReport report = made_up_report();
  report.runs.clear();
  report.layers.clear();
  EXPECT_THROW(roofline_script(report), Error);
}

TEST(RequirePictureName, KnowsPngAndSvg) {
  EXPECT_NO_THROW(require_picture_name("a.png"));
  EXPECT_NO_THROW(require_picture_name("a.b/c.svg"));
  EXPECT_THROW(require_picture_name("a.jpg"), Error);
  EXPECT_THROW(require_picture_name("png"), Error);
}

}  // namespace
}  // namespace nibble
