#include "rest_load.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <utility>

namespace bench {
namespace {

constexpr std::int64_t silence_max_ns = 20'000'000'000;
constexpr std::string_view sessions_target = "/api/v1/sessions";

void ignore(std::string_view) {}

}  // namespace

RestLoad::RestLoad(std::uint16_t port, std::size_t lanes, std::size_t at_once) : port_(port), at_once_(at_once) {
  for (std::size_t i = 0; i < lanes; ++i) {
    lanes_.push_back({Wire(port), 0, 0});
    poller_.add(lanes_.back().wire.fd(), i);
  }
}

std::vector<std::int64_t> RestLoad::run(std::size_t count, int status,
                                        std::function<std::string(std::size_t)> const& make,
                                        std::function<void(std::string_view)> const& take) {
  std::vector<std::int64_t> latencies_ns;
  latencies_ns.reserve(count);
  std::size_t next = 0;
  auto const send = [&](Lane& lane) {
    std::string requests;
    for (; lane.waiting < at_once_ && next < count; ++lane.waiting) requests += make(next++);
    lane.sent_ns = now_ns();
    if (!requests.empty()) lane.wire.send(requests);
  };
  auto const read = [&](std::uint64_t number) {
    Lane& lane = lanes_[number];
    bool const more = lane.wire.receive();
    std::int64_t const now = now_ns();
    while (auto const answer = lane.wire.take_answer()) {
      if (answer->status != status) fail(std::to_string(answer->status) + ": " + std::string(answer->body));
      take(answer->body);
      latencies_ns.push_back(now - lane.sent_ns);
      --lane.waiting;
    }
    if (!more) fail("a connection ended");
    if (lane.waiting == 0) send(lane);
  };
  for (auto& lane : lanes_) send(lane);
  std::int64_t progress_ns = now_ns();
  while (latencies_ns.size() < count) {
    std::size_t const before = latencies_ns.size();
    poller_.wait(0, read);
    std::int64_t const now = now_ns();
    if (latencies_ns.size() > before) progress_ns = now;
    if (now - progress_ns > silence_max_ns) fail("no answer");
  }
  return latencies_ns;
}

std::string RestLoad::write_request(std::string_view target, std::string_view body) const {
  std::string request(body.empty() ? "GET " : "POST ");
  request.append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1:").append(std::to_string(port_)).append("\r\n");
  if (!body.empty()) {
    request.append("Content-Type: application/json\r\nContent-Length: ").append(std::to_string(body.size()));
    request.append("\r\n");
  }
  return request.append("\r\n").append(body);
}

std::string RestLoad::write_delete(std::string_view target) const {
  std::string request("DELETE ");
  return request.append(target)
      .append(" HTTP/1.1\r\nHost: 127.0.0.1:")
      .append(std::to_string(port_))
      .append("\r\n\r\n");
}

std::vector<std::string> RestLoad::create_sessions(std::size_t count, std::string const& body) {
  std::vector<std::string> ids;
  ids.reserve(count);
  auto const star = body.find('*');
  auto const make = [&](std::size_t) {
    std::string own = body;
    if (star != body.npos) own.replace(star, 1, std::to_string(made_));
    ++made_;
    return write_request(sessions_target, own);
  };
  run(count, 201, make, [&](std::string_view answer) { ids.push_back(find_member(answer, "session_id")); });
  return ids;
}

std::size_t RestLoad::read_number(std::string_view target, std::string_view name) {
  std::size_t number = 0;
  std::string const key = "\"" + std::string(name) + "\":";
  auto const take = [&](std::string_view answer) {
    auto const at = answer.find(key);
    if (at == answer.npos) fail("no " + std::string(name) + " in " + std::string(answer));
    auto const digits = answer.substr(at + key.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
  };
  run(
      1, 200, [&](std::size_t) { return write_request(target); }, take);
  return number;
}

void measure_get(Arguments const& given) {
  auto const pid = given.number<pid_t>("pid", 0);
  auto const count = given.number<std::size_t>("count", 100'000);
  RestLoad rest(given.number<std::uint16_t>("port", 0), given.number<std::size_t>("lanes", 64), 1);
  std::ifstream in(given.text("targets"));
  std::string target;
  std::getline(in, target);
  std::string const request = rest.write_request(target);
  auto const make = [&](std::size_t) { return request; };
  std::size_t bytes = 0;
  rest.run(count / 10, 200, make, [&](std::string_view body) { bytes = body.size(); });
  let_settle();
  Usage const before = read_usage(pid);
  std::int64_t const began_ns = now_ns();
  auto latencies_ns = rest.run(count, 200, make, ignore);
  double const seconds = to_us(now_ns() - began_ns) / 1e6;
  let_settle();
  Usage const used = read_usage(pid) - before;
  Report report;
  report.add("count", static_cast<double>(count));
  report.add("body_bytes", static_cast<double>(bytes));
  report.add("per_s", static_cast<double>(count) / seconds);
  report.add_latencies(latencies_ns);
  report.add_costs(used, count);
  print_line(report.json());
}

namespace {

// One at a time, on a connection of its own.
Report measure_requests(Arguments const& given, std::size_t count,
                        std::function<std::string(RestLoad&, std::size_t)> const& make, int status = 200) {
  auto const pid = given.number<pid_t>("pid", 0);
  RestLoad rest(given.number<std::uint16_t>("port", 0), 1, 1);
  auto const one = [&](std::size_t i) { return make(rest, i); };
  rest.run(count / 10 + 1, status, one, ignore);
  let_settle();
  Usage const before = read_usage(pid);
  auto latencies_ns = rest.run(count, status, one, ignore);
  let_settle();
  Usage const used = read_usage(pid) - before;
  Report report;
  report.add_latencies(latencies_ns);
  report.add_costs(used, count);
  return report;
}

// Lists a page, reads single ones and finds some again, here and there among those that there are.
void add_reads(Report& report, std::string const& when, Arguments const& given, std::vector<std::string> const& ids) {
  auto const list = [](RestLoad& rest, std::size_t) {
    return rest.write_request(std::string(sessions_target) + "?limit=50");
  };
  auto const get = [&](RestLoad& rest, std::size_t i) {
    return rest.write_request(std::string(sessions_target) + "/" + ids[i * 7919 % ids.size()]);
  };
  report.add_json("list_" + when, measure_requests(given, given.number<std::size_t>("lists", 200), list).json());
  std::string const body = given.text("body");
  auto const resume = [&](RestLoad& rest, std::size_t i) {
    std::string own = body;
    if (auto const star = own.find('*'); star != own.npos) own.replace(star, 1, std::to_string(i * 7919 % ids.size()));
    return rest.write_request(sessions_target, own);
  };
  auto const gets = given.number<std::size_t>("gets", 5000);
  report.add_json("get_" + when, measure_requests(given, gets, get).json());
  report.add_json("resume_" + when, measure_requests(given, gets, resume, 201).json());
}

}  // namespace

void measure_many(Arguments const& given) {
  auto const pid = given.number<pid_t>("pid", 0);
  auto const few = given.number<std::size_t>("few", 2000);
  auto const many = given.number<std::size_t>("sessions", 200'000);
  std::string const body = given.text("body");
  RestLoad rest(given.number<std::uint16_t>("port", 0), given.number<std::size_t>("lanes", 8), 1);
  Report report;
  auto ids = rest.create_sessions(few, body);
  add_reads(report, "few", given, ids);
  std::int64_t const before_bytes = resident_bytes(pid);
  Usage const before = read_usage(pid);
  std::int64_t const began_ns = now_ns();
  auto const more = rest.create_sessions(many - few, body);
  double const seconds = to_us(now_ns() - began_ns) / 1e6;
  let_settle();
  Usage const used = read_usage(pid) - before;
  ids.insert(ids.end(), more.begin(), more.end());
  auto const added = static_cast<double>(more.size());
  report.add("bytes_each", static_cast<double>(resident_bytes(pid) - before_bytes) / added);
  report.add("create_per_s", added / seconds);
  report.add("sessions", static_cast<double>(rest.count_sessions()));
  add_reads(report, "many", given, ids);
  report.add_costs(used, more.size());
  print_line(report.json());
}

// So many sessions are made, then read, then ended, over all connections; then the next ones.
void measure_cycles(Arguments const& given) {
  constexpr std::size_t at_once = 500;
  auto const pid = given.number<pid_t>("pid", 0);
  auto const rounds = given.number<std::size_t>("rounds", 20);
  std::string const body = given.text("body");
  RestLoad rest(given.number<std::uint16_t>("port", 0), given.number<std::size_t>("lanes", 32), 1);
  auto const cycle = [&] {
    auto const ids = rest.create_sessions(at_once, body);
    auto const target = [&](std::size_t i) { return std::string(sessions_target) + "/" + ids[i]; };
    rest.run(
        at_once, 200, [&](std::size_t i) { return rest.write_request(target(i)); }, ignore);
    rest.run(
        at_once, 204, [&](std::size_t i) { return rest.write_delete(target(i)); }, ignore);
  };
  for (std::size_t i = 0; i < rounds / 5 + 1; ++i) cycle();
  let_settle();
  Usage const before = read_usage(pid);
  std::int64_t const began_ns = now_ns();
  for (std::size_t i = 0; i < rounds; ++i) cycle();
  double const seconds = to_us(now_ns() - began_ns) / 1e6;
  let_settle();
  Usage const used = read_usage(pid) - before;
  Report report;
  report.add("per_s", static_cast<double>(rounds * at_once) / seconds);
  report.add_costs(used, rounds * at_once);
  print_line(report.json());
}

}  // namespace bench
