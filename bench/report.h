#pragma once
// What the load programs share: their command line, percentiles, and the one line of JSON they print.
// Invariant: a figure is written once under its name; nothing is rounded away that a median needs.
// One thread.

#include <charconv>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proc.h"
#include "wire.h"

namespace bench {

// `PROGRAM mode --name value --name value ...`
class Arguments {
 public:
  Arguments(int count, char** words);

  [[nodiscard]] std::string const& mode() const { return mode_; }
  [[nodiscard]] std::string text(std::string const& name) const;

  // Ends the program when the value is not a number.
  template <typename Number> [[nodiscard]] Number number(std::string const& name, Number otherwise) const {
    std::string const given = text(name);
    if (given.empty()) return otherwise;
    auto const [end, error] = std::from_chars(given.data(), given.data() + given.size(), otherwise);
    if (error != std::errc() || end != given.data() + given.size()) fail("--" + name + " is not a number");
    return otherwise;
  }

 private:
  std::string mode_;
  std::map<std::string, std::string> given_;
};

// The members of a JSON object, in the order in which they are added.
class Report {
 public:
  void add(std::string_view name, double value);

  // `json` is a JSON value as it stands.
  void add_json(std::string_view name, std::string_view json);

  // cpu_us, process_us, softirq0_us and softirq1_us: what each of `operations` took.
  void add_costs(Usage const& used, std::size_t operations);

  // p50_us, p99_us and max_us; sorts.
  void add_latencies(std::vector<std::int64_t>& latencies_ns);

  [[nodiscard]] std::string json() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

double to_us(std::int64_t ns);

// `share` of 0 is the least, of 1 the greatest; 0 when there are none.
double percentile_us(std::vector<std::int64_t> const& sorted_ns, double share);

// Prints a line that the caller of the program waits for.
void print_line(std::string const& line);

// Lets the server fall asleep, so that its CPU figure is up to date.
void let_settle();

// As many open files as the hard limit allows.
void allow_many_files();

}  // namespace bench
