#include "report.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace bench {

Arguments::Arguments(int count, char** words) : mode_(count > 1 ? words[1] : "") {
  for (int i = 2; i + 1 < count; i += 2) given_[words[i]] = words[i + 1];
}

std::string Arguments::text(std::string const& name) const {
  auto const found = given_.find("--" + name);
  return found == given_.end() ? std::string() : found->second;
}

void Report::add(std::string_view name, double value) {
  std::array<char, 32> digits;
  auto const end =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::general, 8).ptr;
  add_json(name, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void Report::add_json(std::string_view name, std::string_view json) {
  if (!members_.empty()) members_ += ',';
  members_.append("\"").append(name).append("\":").append(json);
}

void Report::add_costs(Usage const& used, std::size_t operations) {
  auto const each = static_cast<double>(std::max(operations, std::size_t{1}));
  add("cpu_us", to_us(used.process_ns + used.softirq0_ns) / each);
  add("process_us", to_us(used.process_ns) / each);
  add("softirq0_us", to_us(used.softirq0_ns) / each);
  add("softirq1_us", to_us(used.softirq1_ns) / each);
}

void Report::add_latencies(std::vector<std::int64_t>& latencies_ns) {
  std::sort(latencies_ns.begin(), latencies_ns.end());
  add("p50_us", percentile_us(latencies_ns, 0.5));
  add("p99_us", percentile_us(latencies_ns, 0.99));
  add("max_us", percentile_us(latencies_ns, 1));
}

double to_us(std::int64_t ns) { return static_cast<double>(ns) / 1000.0; }

double percentile_us(std::vector<std::int64_t> const& sorted_ns, double share) {
  if (sorted_ns.empty()) return 0;
  auto const last = static_cast<double>(sorted_ns.size() - 1);
  return to_us(sorted_ns[static_cast<std::size_t>(share * last)]);
}

void print_line(std::string const& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void let_settle() { ::usleep(20'000); }

void allow_many_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace bench
