#include "proc.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace bench {
namespace {

namespace fs = std::filesystem;

std::int64_t read_first_number(fs::path const& file) {
  std::ifstream in(file);
  std::int64_t number = 0;
  return in >> number ? number : 0;
}

bool is_number(std::string const& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

fs::path find_process(std::string const& name) {
  for (auto const& entry : fs::directory_iterator("/proc")) {
    if (!is_number(entry.path().filename())) continue;
    std::ifstream in(entry.path() / "comm");
    std::string comm;
    if (std::getline(in, comm) && comm == name) return entry.path();
  }
  return {};
}

}  // namespace

Usage read_usage(pid_t pid) {
  Usage usage;
  std::error_code error;
  fs::directory_iterator threads("/proc/" + std::to_string(pid) + "/task", error);
  if (!error) {
    for (auto const& thread : threads) usage.process_ns += read_first_number(thread.path() / "schedstat");
  }
  static fs::path const softirq0 = find_process("ksoftirqd/0");
  static fs::path const softirq1 = find_process("ksoftirqd/1");
  usage.softirq0_ns = read_first_number(softirq0 / "schedstat");
  usage.softirq1_ns = read_first_number(softirq1 / "schedstat");
  return usage;
}

Usage operator-(Usage const& later, Usage const& earlier) {
  return {later.process_ns - earlier.process_ns, later.softirq0_ns - earlier.softirq0_ns,
          later.softirq1_ns - earlier.softirq1_ns};
}

std::int64_t resident_bytes(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  std::int64_t kibibytes = 0;
  while (in >> word) {
    if (word == "VmRSS:" && in >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

}  // namespace bench
