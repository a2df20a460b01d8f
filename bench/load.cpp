// Load for the first door, from one thread: opens extensions, posts messages to their sessions and
// waits for each at its extension. Reads the server's CPU and memory itself, at the very edges of what
// is measured. Prints one JSON line.
//
//   bench_load messages   --port P --pid S [--connections N] [--window W] [--count M] [--body BYTES]
//   bench_load handshakes --port P --pid S [--window W] [--count M]
//   bench_load idle       --port P --pid S [--connections N] [--settle MS] [--lists K] [--collect 1]
//
// `idle` holds its connections until standard input ends. With --collect it sends SIGUSR2, on which the
// peer collects its garbage, and reads the memory once more.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "crowd.h"
#include "proc.h"
#include "report.h"
#include "wire.h"

namespace bench {
namespace {

constexpr int stall_ms = 10'000;

struct Options {
  std::uint16_t port = 0;
  pid_t pid = 0;
  std::size_t connections = 256;
  std::size_t window = 32;
  std::size_t count = 10'000;
  std::size_t warmup = 1'000;
  std::size_t body = 200;
  std::size_t lists = 10;
  int settle_ms = 1'000;
  int collect = 0;
};

// Messages in flight: one HTTP connection each, and sessions of its own, so that a frame can only be
// the message that was posted last to its session.
class Posts {
 public:
  Posts(Options const& options, Crowd& crowd) : options_(options), crowd_(crowd) {
    for (std::size_t i = 0; i < options.window; ++i) {
      lanes_.push_back({Wire(options.port), i, {}, 0, false, false});
      crowd.poller().add(lanes_.back().wire.fd(), crowd.size() + i);
    }
  }

  // Posts `count` messages and waits for all. Returns the nanoseconds from each request written to its frame read.
  std::vector<std::int64_t> run(std::size_t count) {
    latencies_ns_.clear();
    latencies_ns_.reserve(count);
    left_ = count;
    running_ = 0;
    std::int64_t progress_ns = now_ns();
    for (auto& lane : lanes_) post(lane);
    while (running_ > 0) {
      std::size_t const before = latencies_ns_.size();
      crowd_.poller().wait(0, [this](std::uint64_t number) { read(number); });
      if (latencies_ns_.size() > before) progress_ns = now_ns();
      if (now_ns() - progress_ns > std::int64_t{stall_ms} * 1'000'000) fail("no message for 10 s");
    }
    return std::move(latencies_ns_);
  }

 private:
  struct Lane {
    Wire wire;
    std::size_t session;
    std::string mark;
    std::int64_t sent_ns;
    bool answered;
    bool delivered;
  };

  void post(Lane& lane) {
    if (left_ == 0) return;
    --left_;
    ++running_;
    lane.session += options_.window;
    if (lane.session >= crowd_.size()) lane.session %= options_.window;
    lane.mark = "\"number\":" + std::to_string(++number_) + ",";
    lane.answered = lane.delivered = false;
    std::string body = "{\"type\":\"navigate\",\"data\":{" + lane.mark + "\"url\":\"https://example.com/";
    body.append(options_.body - std::min(options_.body, body.size() + 3), 'a').append("\"}}");
    std::string const request = "POST /api/websocket/sessions/" + crowd_.at(lane.session).id +
                                "/message HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options_.port) +
                                "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                                "\r\n\r\n" + body;
    lane.sent_ns = now_ns();
    lane.wire.send(request);
  }

  void read(std::uint64_t number) {
    if (number < crowd_.size()) {
      Lane& lane = lanes_[number % options_.window];
      crowd_.at(number).read([&](std::string_view text) { deliver(lane, number, text); });
      if (crowd_.at(number).state != Extension::State::open) fail("an extension's connection ended");
      return finish(lane);
    }
    Lane& lane = lanes_[number - crowd_.size()];
    if (!lane.wire.receive()) fail("an HTTP connection ended");
    while (auto const answer = lane.wire.take_answer()) {
      if (answer->status != 200 || lane.answered) fail("an answer: " + std::string(answer->body));
      lane.answered = true;
    }
    finish(lane);
  }

  void deliver(Lane& lane, std::size_t session, std::string_view text) {
    if (lane.session != session || lane.delivered || text.find(lane.mark) == text.npos) {
      fail("a message that was not posted: " + std::string(text));
    }
    lane.delivered = true;
    latencies_ns_.push_back(now_ns() - lane.sent_ns);
  }

  void finish(Lane& lane) {
    if (!lane.answered || !lane.delivered) return;
    lane.answered = lane.delivered = false;
    --running_;
    post(lane);
  }

  Options const& options_;
  Crowd& crowd_;
  std::vector<Lane> lanes_;
  std::vector<std::int64_t> latencies_ns_;
  std::size_t left_ = 0;
  std::size_t running_ = 0;
  std::size_t number_ = 0;
};

void measure_messages(Options const& options) {
  Crowd crowd(options.port, options.window);
  crowd.open(std::max(options.connections / options.window, std::size_t{1}) * options.window);
  Posts posts(options, crowd);
  posts.run(options.warmup);
  let_settle();
  std::int64_t const before_bytes = resident_bytes(options.pid);
  Usage const before = read_usage(options.pid);
  std::int64_t const began_ns = now_ns();
  auto latencies_ns = posts.run(options.count);
  double const seconds = to_us(now_ns() - began_ns) / 1e6;
  let_settle();
  Usage const used = read_usage(options.pid) - before;
  auto const count = static_cast<double>(std::max(options.count, std::size_t{1}));
  Report report;
  report.add("sessions", static_cast<double>(crowd.size()));
  report.add("in_flight", static_cast<double>(options.window));
  report.add("count", count);
  report.add("per_s", static_cast<double>(latencies_ns.size()) / seconds);
  report.add_latencies(latencies_ns);
  report.add("rss_growth_each", static_cast<double>(resident_bytes(options.pid) - before_bytes) / count);
  report.add_costs(used, options.count);
  print_line(report.json());
}

void measure_handshakes(Options const& options) {
  Crowd crowd(options.port, options.window);
  crowd.churn(options.warmup);
  let_settle();
  Usage const before = read_usage(options.pid);
  std::int64_t const began_ns = now_ns();
  auto latencies_ns = crowd.churn(options.count);
  double const seconds = to_us(now_ns() - began_ns) / 1e6;
  let_settle();
  Usage const used = read_usage(options.pid) - before;
  Report report;
  report.add("count", static_cast<double>(options.count));
  report.add("per_s", static_cast<double>(options.count) / seconds);
  report.add_latencies(latencies_ns);
  report.add_costs(used, options.count);
  print_line(report.json());
}

struct Lists {
  std::vector<std::int64_t> latencies_ns;
  std::size_t bytes = 0;
};

Lists fetch_lists(Options const& options, std::size_t sessions) {
  Lists lists;
  Wire wire(options.port);
  Poller poller;
  poller.add(wire.fd(), 0);
  std::string const request =
      "GET /api/websocket/sessions HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options.port) + "\r\n\r\n";
  std::string const expected = "{\"count\":" + std::to_string(sessions) + ",";
  for (std::size_t i = 0; i < options.lists; ++i) {
    std::int64_t const began_ns = now_ns();
    wire.send(request);
    std::optional<Answer> answer;
    while (!(answer = wire.take_answer())) {
      bool readable = false;
      poller.wait(stall_ms, [&](std::uint64_t) { readable = wire.receive(); });
      if (!readable) fail("the list did not come");
    }
    lists.latencies_ns.push_back(now_ns() - began_ns);
    if (answer->status != 200 || !answer->body.starts_with(expected)) fail("the list is not complete");
    lists.bytes = answer->body.size();
  }
  return lists;
}

// What each of `connections` added to `before_bytes`.
double resident_each(Options const& options, std::int64_t before_bytes) {
  return static_cast<double>(resident_bytes(options.pid) - before_bytes) / static_cast<double>(options.connections);
}

void measure_lists(Options const& options, std::size_t sessions, Report& report) {
  Usage const before = read_usage(options.pid);
  Lists lists = fetch_lists(options, sessions);
  let_settle();
  Usage const used = read_usage(options.pid) - before;
  std::sort(lists.latencies_ns.begin(), lists.latencies_ns.end());
  auto const each = static_cast<double>(std::max(options.lists, std::size_t{1}));
  report.add("list_bytes", static_cast<double>(lists.bytes));
  report.add("list_ms", percentile_us(lists.latencies_ns, 0.5) / 1000);
  report.add("list_min_ms", percentile_us(lists.latencies_ns, 0) / 1000);
  report.add("list_cpu_ms", to_us(used.process_ns + used.softirq0_ns) / 1000 / each);
}

void measure_idle(Options const& options) {
  Crowd crowd(options.port, options.window);
  std::size_t const first = std::min(options.connections, std::size_t{200});
  crowd.open(first);
  crowd.rest(options.settle_ms / 2);
  std::int64_t const before_bytes = resident_bytes(options.pid);
  Usage const before = read_usage(options.pid);
  crowd.open(first + options.connections);
  let_settle();
  Usage const used = read_usage(options.pid) - before;
  crowd.rest(options.settle_ms);
  Report report;
  report.add("sessions", static_cast<double>(crowd.size()));
  report.add("rss", static_cast<double>(resident_bytes(options.pid)));
  report.add("rss_each", resident_each(options, before_bytes));
  if (options.collect != 0) {
    ::kill(options.pid, SIGUSR2);
    crowd.rest(options.settle_ms);
  }
  report.add("rss_each_collected", resident_each(options, before_bytes));
  measure_lists(options, crowd.size(), report);
  report.add_costs(used, options.connections);
  print_line(report.json());
  crowd.hold();
}

Options read_options(Arguments const& given) {
  Options options;
  options.port = given.number("port", options.port);
  options.pid = given.number("pid", options.pid);
  options.connections = given.number("connections", options.connections);
  options.window = std::max(given.number("window", options.window), std::size_t{1});
  options.count = given.number("count", options.count);
  options.warmup = given.number("warmup", options.warmup);
  options.body = given.number("body", options.body);
  options.lists = given.number("lists", options.lists);
  options.collect = given.number("collect", options.collect);
  options.settle_ms = given.number("settle", options.settle_ms);
  if (options.port == 0 || options.pid == 0) fail("--port and --pid are needed");
  return options;
}

}  // namespace
}  // namespace bench

int main(int count, char** words) {
  using namespace bench;
  Arguments const arguments(count, words);
  std::string const& mode = arguments.mode();
  allow_many_files();
  if (mode == "messages") {
    measure_messages(read_options(arguments));
  } else if (mode == "handshakes") {
    measure_handshakes(read_options(arguments));
  } else if (mode == "idle") {
    measure_idle(read_options(arguments));
  } else {
    fail("say messages, handshakes or idle");
  }
}
