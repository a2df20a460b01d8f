// A disk that fails, for a program that was not made for it: with LD_PRELOAD, writes and syncs of sessions.db and of
// what stands beside it answer EIO as the variable FAULTY_DISK says:
//   sync:K    the K-th sync, and from then on all of them      sync:K:once     that one alone
//   write:K   the K-th write or truncation, and so on          write:K:once
// Each failure is one line on standard error. Any thread.
#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

struct Plan {
  std::string kind;
  long call = 0;
  bool once = false;
};

Plan read_plan() {
  char const* const text = std::getenv("FAULTY_DISK");
  std::string_view const all = text == nullptr ? "" : text;
  auto const colon = all.find(':');
  if (colon == std::string_view::npos) return {};
  return {std::string(all.substr(0, colon)), std::atol(text + colon + 1), all.ends_with(":once")};
}

bool is_kept(int fd) {
  std::array<char, 4096> path{};
  auto const link = "/proc/self/fd/" + std::to_string(fd);
  auto const size = readlink(link.c_str(), path.data(), path.size());
  if (size <= 0) return false;
  std::string_view const name(path.data(), static_cast<std::size_t>(size));
  return name.find("/sessions.db") != std::string_view::npos && !name.ends_with("-shm") && !name.ends_with(".lock");
}

bool fails(std::string_view kind, int fd) {
  static Plan const plan = read_plan();
  static std::atomic<long> calls = 0;
  if (plan.kind != kind || !is_kept(fd)) return false;
  auto const call = ++calls;
  if (plan.once ? call != plan.call : call < plan.call) return false;
  auto const line = "faulty disk: " + plan.kind + " " + std::to_string(call) + " failed\n";
  static_cast<void>(!write(STDERR_FILENO, line.data(), line.size()));
  errno = EIO;
  return true;
}

template <typename Function> Function* real(char const* name) {
  void* const found = dlsym(RTLD_NEXT, name);
  Function* function = nullptr;
  std::memcpy(&function, &found, sizeof(function));
  return function;
}

}  // namespace

extern "C" {

int fsync(int fd) {
  static auto* const next = real<int(int)>("fsync");
  return fails("sync", fd) ? -1 : next(fd);
}

int fdatasync(int fd) {
  static auto* const next = real<int(int)>("fdatasync");
  return fails("sync", fd) ? -1 : next(fd);
}

ssize_t pwrite64(int fd, void const* bytes, std::size_t size, off64_t at) {
  static auto* const next = real<ssize_t(int, void const*, std::size_t, off64_t)>("pwrite64");
  return fails("write", fd) ? -1 : next(fd, bytes, size, at);
}

ssize_t pwrite(int fd, void const* bytes, std::size_t size, off_t at) {
  static auto* const next = real<ssize_t(int, void const*, std::size_t, off_t)>("pwrite");
  return fails("write", fd) ? -1 : next(fd, bytes, size, at);
}

int ftruncate64(int fd, off64_t size) noexcept {
  static auto* const next = real<int(int, off64_t)>("ftruncate64");
  return fails("write", fd) ? -1 : next(fd, size);
}

}  // extern "C"
