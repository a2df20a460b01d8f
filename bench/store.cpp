// The durable store alone, from one thread as the hub is one. Prints one JSON line.
//
//   bench_store writes --folder DIR [--writers 64] [--outstanding 1] [--bytes 300] [--sessions 64] [--seconds 10]
//                      [--what events|marks] [--per_s 0]
//   bench_store load   --folder DIR [--sessions 100000]
//
// `writes`: each writer waits for its own commits before it makes the next; each commit is one change of a session
// chosen at random; with --per_s all of them together begin no more than so many a second. The disk's own sync of as
// many bytes, before and after, is measured beside it: nothing that is acknowledged can be faster. `load`: a child
// keeps so many sessions (a mark of 300 B, two of 100 B, five events), a tenth of them once more, and is killed; then
// the time is taken until every record was given.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report.h"
#include "store/sqlite.h"
#include "support/posts.h"

namespace bench {
namespace {

using namespace sojourn;
using std::chrono::steady_clock;

struct Options {
  std::string what = "events";
  std::string folder;
  std::size_t writers = 64;
  std::size_t outstanding = 1;
  std::size_t bytes = 300;
  std::size_t sessions = 64;
  std::size_t seconds = 10;
  std::size_t per_s = 0;
};

std::int64_t ns_since(steady_clock::time_point begin) {
  return std::chrono::nanoseconds(steady_clock::now() - begin).count();
}

double ms_since(steady_clock::time_point begin) { return static_cast<double>(ns_since(begin)) / 1e6; }

// What the disk takes for a write of so many bytes to be there, in the middle of a hundred.
double sync_ms(std::string const& folder, std::size_t bytes) {
  auto const path = folder + "/probe";
  std::string const text(bytes, 'x');
  std::vector<std::int64_t> times;
  int const fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  for (off_t at = 0; times.size() < 200; at += static_cast<off_t>(bytes)) {
    auto const begin = steady_clock::now();
    if (pwrite(fd, text.data(), text.size(), at) < 0 || fdatasync(fd) != 0) break;
    times.push_back(ns_since(begin));
  }
  close(fd);
  std::filesystem::remove(path);
  std::ranges::sort(times);
  return percentile_us(times, 0.5) / 1000;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto const seconds = [](timeval time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// What the kernel was given for the disk so far.
double written_bytes() {
  std::ifstream io("/proc/self/io");
  std::string name;
  double value = 0;
  while (io >> name >> value) {
    if (name == "write_bytes:") return value;
  }
  return 0;
}

void quit(std::string const& why) {
  std::fprintf(stderr, "error: %s\n", why.c_str());
  std::exit(1);
}

std::unique_ptr<SqliteStore> open_store(Options const& options, Posts& loop) {
  SqliteStore::Settings settings;
  settings.file = options.folder + "/sojourn.db";
  auto store = SqliteStore::open(std::move(settings), loop.post());
  if (!store) quit(store.error().message);
  return std::move(*store);
}

EventRef make_event(std::uint64_t seq, std::size_t bytes) {
  Event event;
  event.seq = seq;
  event.at_us = 1'700'000'000'000'000;
  event.type = EventType::message;
  event.name = "note";
  event.data = "{\"text\":\"" + std::string(bytes, 'x') + "\"}";
  event.user = "alice";
  return std::make_shared<Event const>(std::move(event));
}

// As long as those of real sessions.
std::string name_of(std::size_t session) {
  auto const digits = std::to_string(session);
  return "6f2d1c70-8a53-4b1e-9d0c-" + std::string(12 - digits.size(), '0') + digits;
}

class Writes {
 public:
  explicit Writes(Options const& options)
      : options_(options), store_(open_store(options, loop_)), seqs_(options.sessions) {}

  void run() {
    auto const sync_before = sync_ms(options_.folder, options_.writers * options_.bytes);
    auto const begin = steady_clock::now();
    auto const cpu = cpu_seconds();
    auto const written = written_bytes();
    auto const end = begin + std::chrono::seconds(options_.seconds);
    free_ = options_.writers * options_.outstanding;
    std::uintmax_t wal_max = 0;
    for (auto next = begin; steady_clock::now() < end; loop_.turn(std::chrono::microseconds(500))) {
      write_all(begin);
      if (steady_clock::now() < next) continue;
      std::error_code none;
      auto const size = std::filesystem::file_size(options_.folder + "/sojourn.db-wal", none);
      if (!none) wal_max = std::max(wal_max, size);
      next = steady_clock::now() + std::chrono::milliseconds(10);
    }
    auto const seconds = ms_since(begin) / 1000;
    auto const used = cpu_seconds() - cpu;
    auto const count = static_cast<double>(latencies_ns_.size());
    Report report;
    report.add("changes_per_s", count / seconds);
    report.add_latencies(latencies_ns_);
    report.add("p999_us", percentile_us(latencies_ns_, 0.999));
    report.add("wal_max_mib", static_cast<double>(wal_max) / 1048576);
    report.add("cpu_us", used / count * 1e6);
    report.add("cpu_share", used / seconds);
    report.add("disk_bytes", (written_bytes() - written) / count);
    stopping_ = true;
    while (running_ > 0) loop_.turn();
    report.add("sync_ms_before", sync_before);
    report.add("sync_ms_after", sync_ms(options_.folder, options_.writers * options_.bytes));
    print_line(report.json());
  }

 private:
  // Whatever is due by now, as far as writers are free.
  void write_all(steady_clock::time_point begin) {
    auto const due = static_cast<std::uint64_t>(ms_since(begin) * static_cast<double>(options_.per_s) / 1000);
    while (free_ > 0 && (options_.per_s == 0 || number_ < due)) {
      --free_;
      write();
    }
  }

  void write() {
    auto const session = random_() % options_.sessions;
    Change change{.session_id = name_of(session)};
    if (options_.what == "events") {
      auto const seq = ++seqs_[session];
      change.event = make_event(seq, options_.bytes);
      change.first_seq = seq > 1000 ? seq - 999 : 1;
    } else {
      change.marks.push_back({"state", std::string(options_.bytes, 'x')});
    }
    auto const begin = steady_clock::now();
    ++running_;
    store_->commit({++number_, {std::move(change)}}, 1, [this, begin](Result<> result) {
      if (!result) quit(result.error().message);
      --running_;
      latencies_ns_.push_back(ns_since(begin));
      ++free_;
      if (!stopping_ && options_.per_s == 0) {
        --free_;
        write();
      }
    });
  }

  Options options_;
  Posts loop_;
  std::unique_ptr<SqliteStore> store_;
  std::vector<std::uint64_t> seqs_;
  std::vector<std::int64_t> latencies_ns_;
  std::mt19937_64 random_{1};
  std::uint64_t number_ = 0;
  std::size_t running_ = 0;
  std::size_t free_ = 0;
  bool stopping_ = false;
};

// Keeps everything, says so, and waits to be killed.
void fill(Options const& options) {
  Posts loop;
  auto const store = open_store(options, loop);
  std::size_t waiting = 0;
  auto const commit = [&](std::vector<Change> changes) {
    ++waiting;
    store->commit({1, std::move(changes)}, 1, [&](Result<> result) {
      if (!result) quit(result.error().message);
      --waiting;
    });
    while (waiting > 64) loop.turn();
  };
  for (std::size_t session = 0; session < options.sessions; ++session) {
    std::vector<Change> changes;
    for (std::uint64_t seq = 1; seq <= 5; ++seq)
      changes.push_back({.session_id = name_of(session), .event = make_event(seq, 100)});
    changes[0].marks = {
        {"card", std::string(300, 'c')}, {"state.a", std::string(100, 'a')}, {"state.b", std::string(100, 'b')}};
    commit(std::move(changes));
  }
  for (std::size_t session = 0; session < options.sessions; session += 10)
    commit({{.session_id = name_of(session), .event = make_event(6, 100)}});
  while (waiting > 0) loop.turn();
}

void load(Options const& options) {
  int pipe[2];
  if (::pipe(pipe) != 0) quit("no pipe");
  auto const child = fork();
  if (child == 0) {
    fill(options);
    static_cast<void>(!write(pipe[1], "x", 1));
    pause();
  }
  char byte = 0;
  static_cast<void>(!read(pipe[0], &byte, 1));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  Posts loop;
  auto const cpu = cpu_seconds();
  auto const begin = steady_clock::now();
  auto const store = open_store(options, loop);
  auto const opened = ms_since(begin);
  std::vector<Record> records;
  auto const loaded = store->load([&](Record record) { records.push_back(std::move(record)); });
  if (!loaded) quit(loaded.error().message);
  auto const total = ms_since(begin);
  auto const used = cpu_seconds() - cpu;
  std::size_t events = 0;
  auto const began_reading = steady_clock::now();
  for (auto const& record : records) {
    if (auto const read = store->read(record.session_id, 0, 100)) events += read->size();
  }
  auto const read_ms = ms_since(began_reading);
  Report report;
  report.add("sessions", static_cast<double>(records.size()));
  report.add("open_ms", opened);
  report.add("open_and_load_ms", total);
  report.add("cpu_ms", used * 1000);
  report.add("read_all_logs_ms", read_ms);
  report.add("events", static_cast<double>(events));
  print_line(report.json());
}

int run(Arguments const& given) {
  Options options;
  options.what = given.text("what").empty() ? options.what : given.text("what");
  options.folder = given.text("folder");
  options.writers = given.number("writers", options.writers);
  options.outstanding = given.number("outstanding", options.outstanding);
  options.bytes = given.number("bytes", options.bytes);
  options.sessions = given.number("sessions", given.mode() == "load" ? 100'000 : options.sessions);
  options.per_s = given.number("per_s", options.per_s);
  options.seconds = given.number("seconds", options.seconds);
  if (!std::filesystem::is_directory(options.folder) || std::filesystem::exists(options.folder + "/sojourn.db"))
    quit("--folder names a folder without a sojourn.db");
  if (given.mode() == "load")
    load(options);
  else if (given.mode() == "writes")
    Writes(options).run();
  else
    quit("bench_store writes|load --folder DIR");
  return 0;
}

}  // namespace
}  // namespace bench

int main(int count, char** words) { return bench::run(bench::Arguments(count, words)); }
