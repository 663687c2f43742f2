#include "nibble/measure/bench_render.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace nibble {
namespace {

BenchReport made_up_report() {
  BenchReport report;
  report.file = "int8.safetensors";
  report.scheme = Scheme::kInt8;
  report.shape = {10000, {512, 64}, 2};
  report.rows = "1821 rows of sst2";
  report.machine = {"AMD EPYC", 2, "avx3_dl", "23.5 GiB", "Linux 6", "GCC 12.2.0", "0.1.0"};
  report.ceilings.caches = {32768, 1048576, 33554432};
  report.ceilings.threads = 2;
  report.ceilings.one_thread = {118.0, 472.0, 0.0, 217.0, 116.0, 97.0, 25.0};
  report.ceilings.all_threads = {235.0, 943.0, 0.0, 430.0, 223.0, 163.0, 46.0};
  report.load_ms = 1.25;
  report.peak_resident_bytes = 12'582'912;
  report.runs = {{1,
                  1,
                  InputKind::kSparse,
                  {1060.0, 1100.0, 1170.0, 0.01, 1000},
                  950'000.0,
                  {359'000.0, 181'000.0},
                  795.0},
                 {256,
                  2,
                  InputKind::kDense,
                  {61000.0, 62000.0, 70000.0, 0.02, 90},
                  4.2e6,
                  {9e7, 2.7e6},
                  40000.0}};
  report.layers = {{1,
                    {"3: Linear", 512, 64, 32832, 32768, 33280, "int8"},
                    1,
                    400.0,
                    {65'536.0, 35'328.0},
                    160.0}};
  report.cold = {8200.0, 9000.0, 9900.0, 0.0, 50};
  report.text = CallTimes{1500.0, 1600.0, 1700.0, 0.0, 1000};
  return report;
}

TEST(BenchJson, KeepsToItsSchema) {
  const auto json = nlohmann::json::parse(bench_json(made_up_report()));
  EXPECT_EQ(json["runs"][0], nlohmann::json::parse(R"({"batch": 1, "threads": 1, "input": "sparse",
      "median_us": 1.06, "p90_us": 1.1, "p99_us": 1.17, "rows_per_second": 950000.0,
      "floor_us": 0.795, "share_of_floor": 0.75, "operations": 359000.0, "bytes": 181000.0})"));
  EXPECT_EQ(json["layers"], nlohmann::json::parse(R"([{"layer": 1, "inputs": 512, "outputs": 64,
      "encoding": "int8", "batch": 1, "us": 0.4, "floor_us": 0.16, "share_of_floor": 0.4,
      "operations": 65536.0, "bytes": 35328.0}])"));
  EXPECT_EQ(json["runs"][1]["input"], "dense");
  EXPECT_EQ(json["runs"].size(), 2U);
  EXPECT_EQ(json["ceilings"]["l2_gb_per_second"], 116.0);
  EXPECT_EQ(json["ceilings"]["all_threads"]["f32_gflops"], 235.0);
  EXPECT_EQ(json["load_ms"], 1.25);
  EXPECT_EQ(json["peak_rss_bytes"], 12'582'912);
  EXPECT_EQ(json["text_to_label_us"], 1.5);
  EXPECT_EQ(json["noise"]["noisy"], false);
  EXPECT_EQ(json["model"]["sizes"], (std::vector<int>{10000, 512, 64, 2}));
}

TEST(BenchJson, SaysNullForATimeThatDoesNotExist) {
  BenchReport report = made_up_report();
  report.text.reset();
  EXPECT_TRUE(nlohmann::json::parse(bench_json(report))["text_to_label_us"].is_null());
}

TEST(BenchJson, SurvivesAPathThatIsNotUtf8) {
  BenchReport report = made_up_report();
  report.file = "\xff.safetensors";
  EXPECT_TRUE(nlohmann::json::accept(bench_json(report)));
}

TEST(BenchText, LooksLikeThis) {
  EXPECT_EQ(bench_text(made_up_report()), R"(int8.safetensors: int8, 10000-512-64-2
1821 rows of sst2
AMD EPYC, 2 processors, level avx3_dl, 23.5 GiB
Linux 6, GCC 12.2.0, nibble 0.1.0

Load, from the page cache  1.25 ms
Peak memory once loaded    12.0 MB
Cold caches, batch 1       8.20 us (p90 9.00, p99 9.90)
Text to label, batch 1     1.50 us (p90 1.60, p99 1.70)

Ceilings measured here      1 thread   2 threads
f32 multiply-add, GFLOP/s      118.0       235.0
byte dot product, GOP/s        472.0       943.0
read L1, GB/s                  217.0       430.0
read L2, GB/s                  116.0       223.0
read L3, GB/s                   97.0       163.0
read memory, GB/s               25.0        46.0

Warm caches, microseconds per call
Batch Threads  Input     Median       p90       p99       Rows/s     Floor   Reached
    1       1  sparse      1.06      1.10      1.17      950,000      0.80      75 %
  256       2  dense       61.0      62.0      70.0    4,200,000      40.0      66 %

Each layer alone, 1 thread, warm, back to back, microseconds per call
Layer          Batch  Weights                         Time     Floor   Reached
1 512-64           1  int8                           0.400     0.160      40 %

Quiet machine: the timed thread had 100.0 % of its processor, medians drifted by 0.0 %, the f32 ceiling changed by +0.0 %
)");
}

TEST(BenchText, WarnsOfNoise) {
  BenchReport report = made_up_report();
  report.noise.cpu_share = 0.5;
  EXPECT_NE(bench_text(report).find("NOISY MACHINE"), std::string::npos);
}

}  // namespace
}  // namespace nibble
