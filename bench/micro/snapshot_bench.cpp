// What a snapshot costs besides the browser's own work: from the text that the browser sends to the answer for the
// client, for a page with one form and for one with 400 articles of four elements each.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "../../tests/browser/page_writer.h"
#include "browser/capture.h"
#include "browser/dom.h"
#include "browser/outline.h"
#include "browser/refs.h"

namespace {

using namespace sojourn;

std::vector<FrameCapture> only(std::string text) {
  FrameCapture capture;
  capture.cdp_session = "main";
  capture.frame_id = "frame";
  capture.text = std::move(text);
  return {capture};
}

std::string form() {
  PageWriter page;
  auto const body = page.element(page.element(0, "HTML"), "BODY");
  for (int i = 0; i < 13; ++i) {
    auto const number = std::to_string(i);
    auto const label = page.element(body, "LABEL");
    page.text(label, "Field number " + number);
    page.element(label, "INPUT", {{"name", "field-" + number}, {"placeholder", "What it is"}});
  }
  return page.json();
}

void take_snapshot(benchmark::State& state, std::string const& page, Interest interest) {
  auto const captures = only(page);
  RefTable refs;
  Shown shown;
  std::size_t elements = 0;
  for (auto _ : state) {
    auto capture = read_captures(captures, {}, {interest, {}});
    if (!capture) std::abort();
    refs.number(*capture);
    auto const answer = outline(*capture, {SnapshotKind::full, interest, 0, 0}, shown);
    elements = answer.at("elements").as_array().size();
  }
  state.counters["elements"] = static_cast<double>(elements);
}

void snapshot_form(benchmark::State& state) { take_snapshot(state, form(), Interest::interactive); }
void snapshot_articles(benchmark::State& state) { take_snapshot(state, big_page(400), Interest::interactive); }
void snapshot_articles_with_text(benchmark::State& state) { take_snapshot(state, big_page(400), Interest::all); }

void read_nodes_of_articles(benchmark::State& state) {
  auto const text = big_page(400);
  for (auto _ : state) benchmark::DoNotOptimize(DomCapture::read(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

BENCHMARK(snapshot_form);
BENCHMARK(snapshot_articles);
BENCHMARK(snapshot_articles_with_text);
BENCHMARK(read_nodes_of_articles);

}  // namespace
