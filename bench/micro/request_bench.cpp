// What one request costs before and behind the hub: read within limits, admitted and routed, answered.

#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <string>

#include "api/auth.h"
#include "api/extension.h"
#include "api/identity.h"
#include "api/router.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "net/http.h"

namespace {

using namespace sojourn;

std::string make_post(std::size_t body_bytes) {
  return "POST /api/websocket/sessions/ext_3ee25211a0e8/message HTTP/1.1\r\nHost: 127.0.0.1:5409\r\n"
         "Content-Type: application/json\r\nContent-Length: " +
         std::to_string(body_bytes) + "\r\n\r\n" + std::string(body_bytes, 'a');
}

// A connection keeps its parser, so making ready for the next request belongs to the cost.
void read_post(benchmark::State& state) {
  std::string const text = make_post(static_cast<std::size_t>(state.range(0)));
  Limits const limits;
  HttpParser parser(limits);
  for (auto _ : state) {
    std::string_view input = text;
    if (parser.feed(input) != HttpParser::Status::request) std::abort();
    Request request;
    parser.fill(request);
    benchmark::DoNotOptimize(request.body.data());
    parser.reset();
  }
}

void write_answer(benchmark::State& state) {
  Answer answer;
  answer.response.body.assign(static_cast<std::size_t>(state.range(0)), 'a');
  answer.envelope = {"6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", {}};
  answer.utc_us = 1'771'960'941'234'000;
  for (auto _ : state) {
    std::string out;
    append_answer(out, answer);
    benchmark::DoNotOptimize(out.data());
  }
}

struct Counter {
  std::size_t answers = 0;
};

void ignore(void* counter, std::uint64_t, Response) { ++static_cast<Counter*>(counter)->answers; }

void answer_at_once(void*, Request const&, Parameters const& parameters, Respond respond) {
  benchmark::DoNotOptimize(parameters.count);
  respond(Response{});
}

// The first door's table, with handlers that do nothing: admission, ids and the walk over the routes.
void route_post(benchmark::State& state) {
  std::vector<Route> routes(Extension::routes().begin(), Extension::routes().end());
  for (auto& route : routes) route.handler = answer_at_once;
  Access access({}, false);
  access.add_port(5409);
  Log log;
  Identity const identity(Keys(std::string(64, 'k')), true);
  Router router(access, identity, log, Random());
  router.add(nullptr, routes);
  std::array const headers{Header{"Host", "127.0.0.1:5409"}, Header{"Content-Type", "application/json"},
                           Header{"Content-Length", "200"}};
  Counter counter;
  for (auto _ : state) {
    Request request;
    request.method = "POST";
    request.path = "/api/websocket/sessions/ext_3ee25211a0e8/message";
    request.headers = headers;
    router.handle(request, Respond(ignore, &counter, 1));
  }
  if (counter.answers != static_cast<std::size_t>(state.iterations())) std::abort();
}

BENCHMARK(read_post)->Arg(200)->Arg(60'000);
BENCHMARK(write_answer)->Arg(120)->Arg(60'000);
BENCHMARK(route_post);

}  // namespace
