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
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "crowd.h"
#include "proc.h"
#include "wire.h"

namespace bench {
namespace {

constexpr unsigned pause_us = 20'000;  // lets the server fall asleep, so that its CPU figure is up to date
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

double to_us(std::int64_t ns) { return static_cast<double>(ns) / 1000.0; }

double percentile_us(std::vector<std::int64_t>& sorted_ns, double share) {
  if (sorted_ns.empty()) return 0;
  auto const last = static_cast<double>(sorted_ns.size() - 1);
  return to_us(sorted_ns[static_cast<std::size_t>(share * last)]);
}

void print_costs(Usage const& used, std::size_t operations) {
  auto const each = static_cast<double>(operations);
  std::printf("\"cpu_us\":%.3f,\"process_us\":%.3f,\"softirq0_us\":%.3f,\"softirq1_us\":%.3f",
              to_us(used.process_ns + used.softirq0_ns) / each, to_us(used.process_ns) / each,
              to_us(used.softirq0_ns) / each, to_us(used.softirq1_ns) / each);
}

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
  ::usleep(pause_us);
  std::int64_t const before_bytes = resident_bytes(options.pid);
  Usage const before = read_usage(options.pid);
  std::int64_t const began_ns = now_ns();
  auto latencies_ns = posts.run(options.count);
  double const seconds = to_us(now_ns() - began_ns) / 1e6;
  ::usleep(pause_us);
  Usage const used = read_usage(options.pid) - before;
  std::sort(latencies_ns.begin(), latencies_ns.end());
  std::printf(
      "{\"mode\":\"messages\",\"sessions\":%zu,\"in_flight\":%zu,\"count\":%zu,\"per_s\":%.0f,"
      "\"p50_us\":%.1f,\"p99_us\":%.1f,",
      crowd.size(), options.window, latencies_ns.size(), static_cast<double>(latencies_ns.size()) / seconds,
      percentile_us(latencies_ns, 0.5), percentile_us(latencies_ns, 0.99));
  std::printf("\"rss_growth_each\":%.0f,", static_cast<double>(resident_bytes(options.pid) - before_bytes) /
                                               static_cast<double>(std::max(options.count, std::size_t{1})));
  print_costs(used, options.count);
  std::printf("}\n");
}

void measure_handshakes(Options const& options) {
  Crowd crowd(options.port, options.window);
  crowd.churn(options.warmup);
  ::usleep(pause_us);
  Usage const before = read_usage(options.pid);
  std::int64_t const began_ns = now_ns();
  auto latencies_ns = crowd.churn(options.count);
  double const seconds = to_us(now_ns() - began_ns) / 1e6;
  ::usleep(pause_us);
  Usage const used = read_usage(options.pid) - before;
  std::sort(latencies_ns.begin(), latencies_ns.end());
  std::printf("{\"mode\":\"handshakes\",\"count\":%zu,\"per_s\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,", options.count,
              static_cast<double>(options.count) / seconds, percentile_us(latencies_ns, 0.5),
              percentile_us(latencies_ns, 0.99));
  print_costs(used, options.count);
  std::printf("}\n");
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

void measure_lists(Options const& options, std::size_t sessions) {
  Usage const before = read_usage(options.pid);
  Lists lists = fetch_lists(options, sessions);
  ::usleep(pause_us);
  Usage const used = read_usage(options.pid) - before;
  std::sort(lists.latencies_ns.begin(), lists.latencies_ns.end());
  std::printf(
      "\"list_bytes\":%zu,\"list_ms\":%.2f,\"list_min_ms\":%.2f,\"list_cpu_ms\":%.2f,", lists.bytes,
      percentile_us(lists.latencies_ns, 0.5) / 1000, percentile_us(lists.latencies_ns, 0) / 1000,
      to_us(used.process_ns + used.softirq0_ns) / 1000 / static_cast<double>(std::max(options.lists, std::size_t{1})));
}

void measure_idle(Options const& options) {
  Crowd crowd(options.port, options.window);
  std::size_t const first = std::min(options.connections, std::size_t{200});
  crowd.open(first);
  crowd.rest(options.settle_ms / 2);
  std::int64_t const before_bytes = resident_bytes(options.pid);
  Usage const before = read_usage(options.pid);
  crowd.open(first + options.connections);
  ::usleep(pause_us);
  Usage const used = read_usage(options.pid) - before;
  crowd.rest(options.settle_ms);
  std::printf("{\"mode\":\"idle\",\"sessions\":%zu,\"rss\":%lld,\"rss_each\":%.0f,", crowd.size(),
              static_cast<long long>(resident_bytes(options.pid)), resident_each(options, before_bytes));
  if (options.collect != 0) {
    ::kill(options.pid, SIGUSR2);
    crowd.rest(options.settle_ms);
  }
  std::printf("\"rss_each_collected\":%.0f,", resident_each(options, before_bytes));
  measure_lists(options, crowd.size());
  print_costs(used, options.connections);
  std::printf("}\n");
  std::fflush(stdout);
  crowd.hold();
}

template <typename Number>
Number read_option(std::map<std::string, std::string> const& given, std::string const& name, Number otherwise) {
  auto const found = given.find("--" + name);
  if (found == given.end()) return otherwise;
  std::string const& text = found->second;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), otherwise);
  if (error != std::errc() || end != text.data() + text.size()) fail("--" + name + " is not a number");
  return otherwise;
}

Options read_options(int count, char** words) {
  std::map<std::string, std::string> given;
  for (int i = 2; i + 1 < count; i += 2) given[words[i]] = words[i + 1];
  Options options;
  options.port = read_option(given, "port", options.port);
  options.pid = read_option(given, "pid", options.pid);
  options.connections = read_option(given, "connections", options.connections);
  options.window = std::max(read_option(given, "window", options.window), std::size_t{1});
  options.count = read_option(given, "count", options.count);
  options.warmup = read_option(given, "warmup", options.warmup);
  options.body = read_option(given, "body", options.body);
  options.lists = read_option(given, "lists", options.lists);
  options.collect = read_option(given, "collect", options.collect);
  options.settle_ms = read_option(given, "settle", options.settle_ms);
  if (options.port == 0 || options.pid == 0) fail("--port and --pid are needed");
  return options;
}

void allow_many_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace bench

int main(int count, char** words) {
  using namespace bench;
  std::string_view const mode = count > 1 ? words[1] : "";
  allow_many_files();
  if (mode == "messages") {
    measure_messages(read_options(count, words));
  } else if (mode == "handshakes") {
    measure_handshakes(read_options(count, words));
  } else if (mode == "idle") {
    measure_idle(read_options(count, words));
  } else {
    fail("say messages, handshakes or idle");
  }
}
