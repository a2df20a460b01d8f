#include "browser/memory.h"

#include <algorithm>
#include <fstream>
#include <limits>

namespace sojourn {
namespace {

constexpr std::int64_t contexts_max = 1000;
constexpr std::int64_t kib_a_context = 64 * 1024;
constexpr std::int64_t kib_reserved = 512 * 1024;

// -1 = the file is not there or says no number ("max").
std::int64_t read_bytes(std::string const& file) {
  std::ifstream in(file);
  std::int64_t bytes = -1;
  return in >> bytes ? bytes : -1;
}

// The value behind a name of a file like /proc/meminfo, 0 if it is not there.
std::int64_t read_named(std::string const& file, std::string const& wanted) {
  std::ifstream in(file);
  std::string name;
  std::int64_t value = 0;
  std::string rest;
  while (in >> name >> value) {
    if (name == wanted) return value;
    std::getline(in, rest);
  }
  return 0;
}

// Of the container that we are in. What it merely caches counts as free.
std::int64_t left_in_container_kib(std::string const& root) {
  auto const folder = root + "/sys/fs/cgroup/";
  auto const limit = read_bytes(folder + "memory.max");
  auto const used = read_bytes(folder + "memory.current");
  if (limit < 0 || used < 0) return std::numeric_limits<std::int64_t>::max();
  return std::max<std::int64_t>(0, limit - used + read_named(folder + "memory.stat", "inactive_file")) / 1024;
}

}  // namespace

std::int64_t available_kib(std::string const& root) {
  return std::min(read_named(root + "/proc/meminfo", "MemAvailable:"), left_in_container_kib(root));
}

std::size_t contexts_that_fit(std::int64_t kib) {
  return static_cast<std::size_t>(std::clamp<std::int64_t>((kib - kib_reserved) / kib_a_context, 0, contexts_max));
}

}  // namespace sojourn
