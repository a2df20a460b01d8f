// What text costs: JSON read and written, UTF-8 validated, times and ids spelled.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "base/id.h"
#include "base/json.h"
#include "base/random.h"
#include "base/time.h"
#include "base/utf8.h"

namespace {

using namespace sojourn;

std::string const message =
    R"({"type":"navigate","data":{"number":12345,"url":"https://example.com/search?q=session","tab":7,)"
    R"("options":{"wait":true,"budget_ms":2500,"labels":["first","second","dritte Größe"]}},)"
    R"("requestId":"3ee25211"})";

void parse_message(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(json::parse(message));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(message.size()));
}

void append_message(benchmark::State& state) {
  auto const parsed = json::parse(message);
  if (!parsed) std::abort();
  std::string out;
  for (auto _ : state) {
    out.clear();
    json::append(out, *parsed);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(message.size()));
}

void append_string(benchmark::State& state) {
  std::string const text(200, 'a');
  std::string out;
  for (auto _ : state) {
    out.clear();
    json::append_string(out, text);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * 200);
}

void validate(benchmark::State& state, std::string const& piece) {
  std::string text;
  while (text.size() < 320) text += piece;
  for (auto _ : state) benchmark::DoNotOptimize(is_utf8(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void validate_ascii(benchmark::State& state) { validate(state, "sojourn "); }
void validate_mixed(benchmark::State& state) { validate(state, "Größe 会话 "); }

constexpr std::int64_t some_utc_us = 1'771'960'941'234'000;

void spell_iso_time(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(to_iso_ms(some_utc_us));
}

void spell_http_date(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(to_http_date(some_utc_us));
}

void make_request_id(benchmark::State& state) {
  Random random;
  for (auto _ : state) benchmark::DoNotOptimize(make_uuid(random));
}

void make_call_id(benchmark::State& state) {
  Random random;
  for (auto _ : state) benchmark::DoNotOptimize(make_hex(random, 8));
}

BENCHMARK(parse_message);
BENCHMARK(append_message);
BENCHMARK(append_string);
BENCHMARK(validate_ascii);
BENCHMARK(validate_mixed);
BENCHMARK(spell_iso_time);
BENCHMARK(spell_http_date);
BENCHMARK(make_request_id);
BENCHMARK(make_call_id);

}  // namespace
