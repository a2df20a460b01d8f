// Load for sessions that many share, from one thread that never sleeps while it measures. Reads the server's CPU
// and memory itself, at the very edges of what is measured. Prints one JSON line for each run.
//
//   bench_fanout fanout TO [--members N] [--runs 1x200,16x20]      one session; COUNT times BURST messages, each
//                                                                 write after everybody has the last one
//   bench_fanout small  TO [--from 2] [--to 5] [--rate R] [--seconds S]   all sessions, at a rate that never waits
//   bench_fanout slow   TO [--members N] [--stalled K] [--fill F] [--bursts B]   with and without stalled members
//   bench_fanout idle   TO [--members N] [--settle MS] [--seconds S]
//   bench_fanout get    TO [--lanes L] [--count C]                 GET of the first request of the file
//   bench_fanout many   TO [--lanes L] [--few F] [--sessions N]    sessions made, listed and read over REST
//   bench_fanout cycle  TO [--lanes L] [--rounds R]                sessions made, read and ended over REST
//   bench_fanout expiry TO --idle MS [--sessions N] [--rate R] [--hold MS]   sessions that end all at once
//
// TO is --port P --pid S --targets FILE [--dialect D] [--size BYTES]: a line of FILE is what one session's members
// ask for in their handshake.

#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audience.h"
#include "proc.h"
#include "report.h"
#include "rest_load.h"

namespace bench {
namespace {

std::vector<std::string> read_lines(std::string const& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  if (lines.empty()) fail("--targets has no lines");
  return lines;
}

Target read_target(Arguments const& given) {
  Target target;
  target.port = given.number("port", target.port);
  target.dialect = &find_dialect(given.text("dialect").empty() ? "plain" : given.text("dialect"));
  target.requests = read_lines(given.text("targets"));
  target.size = given.number("size", target.size);
  return target;
}

struct Run {
  std::size_t burst = 0;
  std::size_t count = 0;
};

// "1x200,16x20": burst and count of each run.
std::vector<Run> read_runs(std::string const& text) {
  std::vector<Run> runs;
  for (std::size_t at = 0; at < text.size();) {
    Run run;
    int used = 0;
    if (std::sscanf(text.c_str() + at, "%zux%zu%n", &run.burst, &run.count, &used) != 2)
      fail("--runs is like 1x200,16x20");
    runs.push_back(run);
    at += static_cast<std::size_t>(used) + 1;
  }
  return runs;
}

void publish_bursts(Audience& audience, std::size_t burst, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    audience.publish(0, burst, now_ns());
    audience.read_all();
  }
}

// What the deliveries of `publish` cost; what came before it does not count.
Report measure_deliveries(Audience& audience, pid_t pid, std::function<void()> const& publish) {
  let_settle();
  audience.take_latencies();
  std::size_t const delivered_before = audience.delivered();
  Usage const before = read_usage(pid);
  std::int64_t const began_ns = now_ns();
  publish();
  std::int64_t const took_ns = now_ns() - began_ns;
  let_settle();
  Usage const used = read_usage(pid) - before;
  std::size_t const delivered = audience.delivered() - delivered_before;
  auto latencies_ns = audience.take_latencies();
  Report report;
  report.add("members", static_cast<double>(audience.size()));
  report.add("delivered", static_cast<double>(delivered));
  report.add("per_s", static_cast<double>(delivered) * 1e9 / static_cast<double>(took_ns));
  report.add_latencies(latencies_ns);
  report.add("others", static_cast<double>(audience.others()));
  report.add_costs(used, delivered);
  return report;
}

void measure_fanout(Arguments const& given) {
  auto const pid = given.number<pid_t>("pid", 0);
  Audience audience(read_target(given));
  audience.join(std::vector<std::size_t>(given.number<std::size_t>("members", 1000), 0));
  audience.rest(200);
  for (auto const& run : read_runs(given.text("runs"))) {
    publish_bursts(audience, run.burst, run.count / 10 + 1);
    auto report = measure_deliveries(audience, pid, [&] { publish_bursts(audience, run.burst, run.count); });
    report.add("burst", static_cast<double>(run.burst));
    print_line(report.json());
  }
}

// A message to a session now and then, in an order that is the same each time.
class Schedule {
 public:
  Schedule(std::size_t sessions, std::size_t rate)
      : sessions_(sessions), step_ns_(1'000'000'000 / static_cast<std::int64_t>(rate)), next_ns_(now_ns()) {}

  // Publishes what is due. Latencies count from when it was due, not from when there was time to write it.
  void publish_due(Audience& audience) {
    for (std::int64_t const now = now_ns(); next_ns_ <= now; next_ns_ += step_ns_) {
      state_ ^= state_ << 13;
      state_ ^= state_ >> 7;
      state_ ^= state_ << 17;
      audience.publish(state_ % sessions_, 1, next_ns_);
      latest_ns_ = std::max(latest_ns_, now - next_ns_);
    }
  }

  void run(Audience& audience, std::int64_t duration_ns) {
    skip_due();
    for (std::int64_t const until_ns = next_ns_ + duration_ns; next_ns_ < until_ns;) {
      publish_due(audience);
      audience.read(0);
    }
    audience.read_all();
  }

  // Forgets what was due until now.
  void skip_due() { next_ns_ = now_ns(); }

  // How late a message was written at most.
  std::int64_t take_latest_ns() { return std::exchange(latest_ns_, 0); }

 private:
  std::uint64_t state_ = 0x9E3779B97F4A7C15;
  std::size_t sessions_;
  std::int64_t step_ns_;
  std::int64_t next_ns_;
  std::int64_t latest_ns_ = 0;
};

void measure_small(Arguments const& given) {
  auto const pid = given.number<pid_t>("pid", 0);
  auto const from = given.number<std::size_t>("from", 2);
  auto const to = given.number<std::size_t>("to", 5);
  auto const seconds = given.number<std::int64_t>("seconds", 5);
  Audience audience(read_target(given));
  std::vector<std::size_t> members;
  for (std::size_t session = 0; session < audience.sessions(); ++session) {
    members.insert(members.end(), from + session % (to - from + 1), session);
  }
  audience.join(members);
  audience.rest(200);
  Schedule schedule(audience.sessions(), given.number<std::size_t>("rate", 6000));
  schedule.run(audience, 1'000'000'000);
  schedule.take_latest_ns();
  auto report = measure_deliveries(audience, pid, [&] { schedule.run(audience, seconds * 1'000'000'000); });
  report.add("sessions", static_cast<double>(audience.sessions()));
  report.add("written_late_us", to_us(schedule.take_latest_ns()));
  print_line(report.json());
}

// Bursts of 16. The first `fill` of them go into the kernel's buffers of stalled members: as long as these take
// them, they are receivers like others, and latencies are not counted.
Report run_beside_stalled(Audience& audience, Arguments const& given) {
  auto const pid = given.number<pid_t>("pid", 0);
  std::int64_t const before_bytes = resident_bytes(pid);
  std::int64_t most_bytes = before_bytes;
  RestLoad rest(given.number<std::uint16_t>("port", 0), 1, 1);
  std::size_t const connections_before = rest.count_connections();
  auto const publish = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      publish_bursts(audience, 16, 1);
      most_bytes = std::max(most_bytes, resident_bytes(pid));
    }
  };
  publish(given.number<std::size_t>("fill", 50));
  audience.take_latencies();
  std::size_t const delivered_before = audience.delivered();
  publish(given.number<std::size_t>("bursts", 500));
  auto latencies_ns = audience.take_latencies();
  Report report;
  report.add("delivered", static_cast<double>(audience.delivered() - delivered_before));
  report.add_latencies(latencies_ns);
  report.add("rss_before", static_cast<double>(before_bytes));
  report.add("rss_most", static_cast<double>(most_bytes));
  // Only the server knows: its last words wait behind what a stalled member does not read.
  report.add("ended", static_cast<double>(connections_before - rest.count_connections()));
  return report;
}

void measure_slow(Arguments const& given) {
  Audience audience(read_target(given));
  audience.join(std::vector<std::size_t>(given.number<std::size_t>("members", 1000), 0));
  audience.rest(200);
  Report const without = run_beside_stalled(audience, given);
  audience.join_stalled(0, given.number<std::size_t>("stalled", 1000));
  audience.rest(200);
  Report const with = run_beside_stalled(audience, given);
  Report report;
  report.add_json("without", without.json());
  report.add_json("with", with.json());
  print_line(report.json());
}

void measure_idle(Arguments const& given) {
  auto const pid = given.number<pid_t>("pid", 0);
  auto const members = given.number<std::size_t>("members", 10'000);
  auto const settle_ms = given.number("settle", 1500);
  auto const seconds = given.number("seconds", 30);
  Audience audience(read_target(given));
  audience.join(std::vector<std::size_t>(200, 0));
  audience.rest(settle_ms);
  std::int64_t const before_bytes = resident_bytes(pid);
  Usage const before_joins = read_usage(pid);
  audience.join(std::vector<std::size_t>(members, 0));
  let_settle();
  Usage const joins = read_usage(pid) - before_joins;
  audience.rest(settle_ms);
  std::int64_t const after_bytes = resident_bytes(pid);
  std::size_t const pings_before = audience.pings();
  Usage const before = read_usage(pid);
  audience.rest(seconds * 1000);
  let_settle();
  Usage const used = read_usage(pid) - before;
  Report report;
  report.add("members", static_cast<double>(audience.size()));
  report.add("rss", static_cast<double>(after_bytes));
  report.add("rss_each", static_cast<double>(after_bytes - before_bytes) / static_cast<double>(members));
  report.add("pings", static_cast<double>(audience.pings() - pings_before));
  report.add("join_us", to_us(joins.process_ns + joins.softirq0_ns) / static_cast<double>(members));
  report.add_costs(used, audience.size() * static_cast<std::size_t>(seconds));
  print_line(report.json());
}

// Messages by the schedule, and a client that pings a millisecond after it was answered. Returns how long each
// answer took.
std::vector<std::int64_t> ping_until(std::int64_t until_ns, Audience& audience, Schedule& schedule) {
  constexpr std::int64_t pause_ns = 1'000'000;
  std::vector<std::int64_t> answers_ns;
  std::int64_t asked_ns = 0;  // 0: nothing is asked
  std::int64_t answered_ns = now_ns();
  for (std::int64_t now = answered_ns; now < until_ns || asked_ns != 0; now = now_ns()) {
    if (asked_ns == 0 && now - answered_ns >= pause_ns) {
      asked_ns = now;
      audience.ping(0);
    }
    schedule.publish_due(audience);
    std::size_t const pongs = audience.pongs();
    audience.read(0);
    if (audience.pongs() == pongs) continue;
    answered_ns = now_ns();
    answers_ns.push_back(answered_ns - std::exchange(asked_ns, 0));
  }
  return answers_ns;
}

// Sessions can't be made as fast as they are to expire: the server sleeps from before the first is due until all
// are. Then all of them expire at once.
void measure_expiry(Arguments const& given) {
  constexpr std::int64_t margin_ns = 500'000'000;
  auto const pid = given.number<pid_t>("pid", 0);
  RestLoad rest(given.number<std::uint16_t>("port", 0), given.number<std::size_t>("lanes", 8), 16);
  auto const sessions = given.number<std::size_t>("sessions", 100'000);
  Audience audience(read_target(given));
  std::vector<std::size_t> members(audience.sessions() * 4);
  for (std::size_t i = 0; i < members.size(); ++i) members[i] = i / 4;
  audience.join(members);
  std::size_t const live = rest.count_sessions();
  auto const idle_ns = given.number<std::int64_t>("idle", 0) * 1'000'000;
  std::int64_t const began_ns = now_ns();
  rest.create_sessions(sessions, given.text("body"));
  std::int64_t const made_ns = now_ns();
  Schedule schedule(audience.sessions(), given.number<std::size_t>("rate", 2000));
  if (made_ns > began_ns + idle_ns - margin_ns) fail("the sessions were not made before the first expires");
  auto pings_ns = ping_until(began_ns + idle_ns - margin_ns, audience, schedule);
  audience.read_all();
  ::kill(pid, SIGSTOP);
  while (now_ns() < made_ns + idle_ns) let_settle();
  ::kill(pid, SIGCONT);
  schedule.skip_due();
  auto const later_ns = ping_until(now_ns() + given.number<std::int64_t>("hold", 3000) * 1'000'000, audience, schedule);
  pings_ns.insert(pings_ns.end(), later_ns.begin(), later_ns.end());
  audience.read_all();
  auto latencies_ns = audience.take_latencies();
  if (rest.count_sessions() > live) fail("sessions are left: " + std::to_string(rest.count_sessions()));
  Report deliveries;
  deliveries.add("count", static_cast<double>(latencies_ns.size()));
  deliveries.add_latencies(latencies_ns);
  Report report;
  report.add("sessions", static_cast<double>(sessions));
  report.add("create_s", to_us(made_ns - began_ns) / 1e6);
  report.add("pings", static_cast<double>(pings_ns.size()));
  report.add("written_late_us", to_us(schedule.take_latest_ns()));
  report.add_latencies(pings_ns);
  report.add_json("deliveries", deliveries.json());
  print_line(report.json());
}

struct Mode {
  std::string_view name;
  void (*measure)(Arguments const&);
};

constexpr std::array modes{
    Mode{"fanout", measure_fanout}, Mode{"small", measure_small},   Mode{"slow", measure_slow},
    Mode{"idle", measure_idle},     Mode{"expiry", measure_expiry}, Mode{"get", measure_get},
    Mode{"many", measure_many},     Mode{"cycle", measure_cycles},
};

}  // namespace
}  // namespace bench

int main(int count, char** words) {
  using namespace bench;
  Arguments const given(count, words);
  auto const* const mode =
      std::find_if(modes.begin(), modes.end(), [&](Mode const& it) { return it.name == given.mode(); });
  if (mode == modes.end()) fail("say fanout, small, slow, idle, expiry, get, many or cycle");
  allow_many_files();
  mode->measure(given);
}
