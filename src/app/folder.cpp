#include "app/folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/json.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;

Error cannot(std::string const& what, std::string const& path, int why) {
  return error(Code::cannot_create, "can't " + what + " " + path + ": " + std::strerror(why) +
                                        "; choose a folder you can write with --data DIR");
}

Result<> write_private_file(std::string const& path, std::string const& text) {
  auto const draft = path + ".new";
  ::unlink(draft.c_str());  // what a crash left may be readable for others
  int const fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return cannot("write", draft, errno);
  bool const is_written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  int const why = errno;
  ::close(fd);
  if (!is_written || std::rename(draft.c_str(), path.c_str()) != 0)
    return cannot("write", path, is_written ? errno : why);
  return {};
}

}  // namespace

Result<std::unique_ptr<Folder>> Folder::open(std::string const& path) {
  std::error_code ec;
  bool const is_new = fs::create_directories(path, ec);
  if (ec) return cannot("make the data folder", path, ec.value());
  if (is_new) fs::permissions(path, fs::perms::owner_all, ec);
  auto const lock_path = path + "/lock";
  int const lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return cannot("write to the data folder", path, errno);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return error(Code::unavailable,
                 "another server uses the data folder " + path + "; stop it or choose another with --data DIR");
  }
  return std::unique_ptr<Folder>(new Folder(path, lock));
}

Folder::~Folder() {
  std::error_code ec;
  if (announced_) fs::remove(path_ + "/server.json", ec);
  ::close(lock_);
}

Result<> Folder::announce(std::string const& address) {
  json::object const body{{"address", address}, {"pid", static_cast<std::int64_t>(getpid())}};
  auto written = write_private_file(path_ + "/server.json", json::to_text(body) + "\n");
  announced_ = written.has_value();
  return written;
}

}  // namespace sojourn
