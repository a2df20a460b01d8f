#include "store/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "store/checksum.h"

namespace sojourn {
namespace {

Error cannot(std::string const& what, std::string const& path, int why) {
  return error(Code::cannot_create, "can't " + what + " " + path + ": " + std::strerror(why));
}

std::string folder_of(std::string const& path) {
  auto const folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

Result<> sync(std::string const& path) {
  int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  int const failed = fd < 0 || fsync(fd) != 0 ? errno : 0;
  if (fd >= 0) ::close(fd);
  if (failed != 0) return cannot("write", path, failed);
  return {};
}

}  // namespace

Result<FileLock> FileLock::take(std::string const& path) {
  FileLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.fd_ < 0) return cannot("open", path, errno);
  if (flock(lock.fd_, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return cannot("lock", path, errno);
  return error(Code::unavailable, path +
                                      " is held: another server keeps its sessions there; stop it, or choose "
                                      "another folder with --data DIR");
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

void FileLock::note(std::uint64_t number) const {
  std::array<std::uint64_t, 2> const words{number, meta_checksum("noted", number)};
  // A number that could not be written is one the next holder does not look for.
  if (::pwrite(fd_, words.data(), sizeof(words), 0) != sizeof(words)) return;
}

std::uint64_t FileLock::noted() const {
  std::array<std::uint64_t, 2> words{};
  if (::pread(fd_, words.data(), sizeof(words), 0) != sizeof(words)) return 0;
  return words[1] == meta_checksum("noted", words[0]) ? words[0] : 0;
}

Result<> make_private_file(std::string const& path) {
  int const fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return cannot("make", path, errno);
  ::close(fd);
  return {};
}

Result<> publish_file(std::string const& draft, std::string const& path) {
  if (auto synced = sync(draft); !synced) return synced;
  int why = ::renameat2(AT_FDCWD, draft.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
  // Not every file system knows that flag; a second name for the file overwrites nothing either.
  if (why == EINVAL || why == ENOSYS) {
    why = ::link(draft.c_str(), path.c_str()) == 0 ? 0 : errno;
    if (why == 0) remove_file(draft);
  }
  if (why == EEXIST) return error(Code::conflict, path + " is there already, and is not overwritten");
  if (why != 0) return cannot("make", path, why);
  return sync(folder_of(path));
}

void remove_file(std::string const& path) { ::unlink(path.c_str()); }

bool has_file(std::string const& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

std::uint64_t free_bytes_beside(std::string const& path) {
  struct statvfs found {};
  if (::statvfs(folder_of(path).c_str(), &found) != 0) return 0;
  return std::uint64_t{found.f_bavail} * found.f_frsize;
}

}  // namespace sojourn
