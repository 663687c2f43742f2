#include "nibble/measure/bench_render.h"

#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "nibble/core/thousands.h"
#include "nibble/model/summary.h"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

struct NamedCeiling {
  const char* key;
  const char* words;
  const char* unit;
  double Ceilings::*value;
};

constexpr std::array kNamedCeilings = {
    NamedCeiling{"f32_gflops", "f32 multiply-add", "GFLOP/s", &Ceilings::f32_gflops},
    NamedCeiling{"byte_dot_gops", "byte dot product", "GOP/s", &Ceilings::byte_dot_gops},
    NamedCeiling{"bf16_gflops", "bf16 dot product", "GFLOP/s", &Ceilings::bf16_gflops},
    NamedCeiling{"l1_gb_per_second", "read L1", "GB/s", &Ceilings::l1_gb_per_second},
    NamedCeiling{"l2_gb_per_second", "read L2", "GB/s", &Ceilings::l2_gb_per_second},
    NamedCeiling{"l3_gb_per_second", "read L3", "GB/s", &Ceilings::l3_gb_per_second},
    NamedCeiling{"dram_gb_per_second", "read memory", "GB/s", &Ceilings::dram_gb_per_second}};

const char* name_of(InputKind input) { return input == InputKind::kSparse ? "sparse" : "dense"; }

std::string head(const BenchReport& report) {
  const MachineInfo& machine = report.machine;
  return fmt::format(
      "{}: {}, {}\n{}\n{}, {} processor{}, level {}, {}\n{}, {}, "
      "nibble "
      "{}\n\n",
      report.file.string(), nibble::name_of(report.scheme), fmt::join(report.shape.sizes(), "-"),
      report.rows, machine.cpu_model, machine.processors, machine.processors == 1 ? "" : "s",
      machine.cpu_level, machine.memory, machine.operating_system, machine.compiler,
      machine.nibble_version);
}

std::string microseconds(double ns) {
  const double us = ns * 1e-3;
  return fmt::format("{:.{}f}", us, us < 10.0 ? 2 : us < 1000.0 ? 1 : 0);
}

// A layer of 64 x 2 takes some ten nanoseconds.
std::string short_microseconds(double ns) {
  return ns < 1000.0 ? fmt::format("{:.3f}", ns * 1e-3) : microseconds(ns);
}

std::string quantiles(const CallTimes& times) {
  return fmt::format("{} us (p90 {}, p99 {})", microseconds(times.median_ns),
                     microseconds(times.p90_ns), microseconds(times.p99_ns));
}

std::string single_figures(const BenchReport& report) {
  std::string text = fmt::format(
      "Load, from the page cache  {:.2f} ms\nPeak memory once loaded    {:.1f} MB\n"
      "Cold caches, batch 1       {}\n",
      report.load_ms, static_cast<double>(report.peak_resident_bytes) / (1024.0 * 1024.0),
      quantiles(report.cold));
  if (report.text) text += fmt::format("Text to label, batch 1     {}\n", quantiles(*report.text));
  return text;
}

std::string ceilings_table(const MachineCeilings& ceilings) {
  std::string text = fmt::format("\n{:<27}{:>9}", "Ceilings measured here", "1 thread");
  if (ceilings.threads > 1)
    text += fmt::format("{:>12}", fmt::format("{} threads", ceilings.threads));
  text += '\n';
  for (const NamedCeiling& named : kNamedCeilings) {
    if (ceilings.one_thread.*named.value == 0.0) continue;
    const std::string name = fmt::format("{}, {}", named.words, named.unit);
    text += fmt::format("{:<27}{:>9.1f}", name, ceilings.one_thread.*named.value);
    if (ceilings.threads > 1) text += fmt::format("{:>12.1f}", ceilings.all_threads.*named.value);
    text += '\n';
  }
  return text;
}

std::string runs_table(const BenchReport& report) {
  std::string text = fmt::format(
      "\nWarm caches, microseconds per call\n{:>5} {:>7}  {:<6} {:>9} {:>9} {:>9} {:>12} {:>9} "
      "{:>9}\n",
      "Batch", "Threads", "Input", "Median", "p90", "p99", "Rows/s", "Floor", "Reached");
  for (const BenchRun& run : report.runs) {
    text += fmt::format("{:>5} {:>7}  {:<6} {:>9} {:>9} {:>9} {:>12} {:>9} {:>7.0f} %\n", run.batch,
                        run.threads, name_of(run.input), microseconds(run.times.median_ns),
                        microseconds(run.times.p90_ns), microseconds(run.times.p99_ns),
                        with_thousands(static_cast<std::size_t>(run.rows_per_second)),
                        microseconds(run.floor_ns),
                        100.0 * share_of_floor(run.floor_ns, run.times.median_ns));
  }
  return text;
}

std::string layer_name(const LayerTime& time) {
  return fmt::format("{} {}-{}", time.layer, time.summary.inputs, time.summary.outputs);
}

std::string layers_table(const BenchReport& report) {
  if (report.layers.empty()) return "";
  std::string text = fmt::format(
      "\nEach layer alone, 1 thread, warm, back to back, microseconds per call\n"
      "{:<14} {:>5}  {:<26} {:>9} {:>9} {:>9}\n",
      "Layer", "Batch", "Weights", "Time", "Floor", "Reached");
  for (const LayerTime& time : report.layers) {
    text += fmt::format("{:<14} {:>5}  {:<26} {:>9} {:>9} {:>7.0f} %\n", layer_name(time),
                        time.batch, time.summary.encoding, short_microseconds(time.ns),
                        short_microseconds(time.floor_ns),
                        100.0 * share_of_floor(time.floor_ns, time.ns));
  }
  return text;
}

std::string noise_line(const Noise& noise) {
  return fmt::format(
      "\n{}: the timed thread had {:.1f} % of its processor, medians drifted by {:.1f} %, the f32 "
      "ceiling changed by {:+.1f} %{}\n",
      noise.noisy() ? "NOISY MACHINE" : "Quiet machine", 100.0 * noise.cpu_share,
      100.0 * noise.drift, 100.0 * noise.peak_change,
      noise.noisy() ? "; stop other programs and measure again" : "");
}

double us(double ns) { return ns * 1e-3; }

Json times_json(const CallTimes& times) {
  return {{"median_us", us(times.median_ns)},
          {"p90_us", us(times.p90_ns)},
          {"p99_us", us(times.p99_ns)}};
}

Json run_json(const BenchRun& run) {
  Json json = {{"batch", run.batch}, {"threads", run.threads}, {"input", name_of(run.input)}};
  json.update(times_json(run.times));
  json["rows_per_second"] = run.rows_per_second;
  json["floor_us"] = us(run.floor_ns);
  json["share_of_floor"] = share_of_floor(run.floor_ns, run.times.median_ns);
  json["operations"] = run.work.operations;
  json["bytes"] = run.work.bytes;
  return json;
}

Json layer_json(const LayerTime& time) {
  return {{"layer", time.layer},
          {"inputs", time.summary.inputs},
          {"outputs", time.summary.outputs},
          {"encoding", time.summary.encoding},
          {"batch", time.batch},
          {"us", us(time.ns)},
          {"floor_us", us(time.floor_ns)},
          {"share_of_floor", share_of_floor(time.floor_ns, time.ns)},
          {"operations", time.work.operations},
          {"bytes", time.work.bytes}};
}

Json rates_json(const Ceilings& ceilings) {
  Json json;
  for (const NamedCeiling& named : kNamedCeilings) json[named.key] = ceilings.*named.value;
  return json;
}

Json ceilings_json(const MachineCeilings& ceilings) {
  Json json = rates_json(ceilings.one_thread);
  json["threads"] = ceilings.threads;
  json["all_threads"] = rates_json(ceilings.all_threads);
  json["cache_bytes"] = {
      {"l1", ceilings.caches.l1}, {"l2", ceilings.caches.l2}, {"l3", ceilings.caches.l3}};
  return json;
}

Json machine_json(const MachineInfo& machine) {
  return {{"cpu", machine.cpu_model},
          {"processors", machine.processors},
          {"cpu_level", machine.cpu_level},
          {"memory", machine.memory},
          {"operating_system", machine.operating_system},
          {"compiler", machine.compiler},
          {"nibble", machine.nibble_version}};
}

}  // namespace

std::string bench_text(const BenchReport& report) {
  return head(report) + single_figures(report) + ceilings_table(report.ceilings) +
         runs_table(report) + layers_table(report) + noise_line(report.noise);
}

std::string bench_json(const BenchReport& report) {
  Json json;
  json["runs"] = Json::array();
  for (const BenchRun& run : report.runs) json["runs"].push_back(run_json(run));
  json["ceilings"] = ceilings_json(report.ceilings);
  json["load_ms"] = report.load_ms;
  json["peak_rss_bytes"] = report.peak_resident_bytes;
  json["layers"] = Json::array();
  for (const LayerTime& time : report.layers) json["layers"].push_back(layer_json(time));
  json["cold"] = times_json(report.cold);
  json["text_to_label_us"] = report.text ? Json(us(report.text->median_ns)) : Json(nullptr);
  json["noise"] = {{"noisy", report.noise.noisy()},
                   {"cpu_share", report.noise.cpu_share},
                   {"drift", report.noise.drift},
                   {"peak_change", report.noise.peak_change}};
  json["model"] = {{"file", report.file.string()},
                   {"scheme", nibble::name_of(report.scheme)},
                   {"sizes", report.shape.sizes()}};
  json["rows"] = report.rows;
  json["machine"] = machine_json(report.machine);
  // A path may hold bytes that are no UTF-8; they must not end the program.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace nibble
