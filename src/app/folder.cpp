#include "app/folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "base/crypto.h"
#include "base/json.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t secret_digits = 64;
constexpr std::string_view digits = "0123456789abcdef";

Error cannot(std::string const& what, std::string const& path, int why) {
  return error(Code::cannot_create, "can't " + what + " " + path + ": " + std::strerror(why) +
                                        "; choose a folder you can write with --data DIR");
}

// A file of its owner's that was not there before.
Result<> write_new_file(std::string const& path, std::string const& text) {
  int const fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return cannot("write", path, errno);
  errno = ENOSPC;  // what a write that stopped short means
  bool const is_written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  int const why = errno;
  ::close(fd);
  if (is_written) return {};
  ::unlink(path.c_str());
  return cannot("write", path, why);
}

Result<> write_private_file(std::string const& path, std::string const& text) {
  auto const draft = path + ".new";
  ::unlink(draft.c_str());  // what a crash left may be readable for others
  if (auto written = write_new_file(draft, text); !written) return written;
  if (std::rename(draft.c_str(), path.c_str()) != 0) return cannot("write", path, errno);
  return {};
}

// To be there after a power cut, too.
void sync(std::string const& path) {
  int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  ::close(fd);
}

std::string make_digits(std::size_t count) {
  std::array<unsigned char, secret_digits> bytes{};
  fill_random(bytes);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += digits[bytes.at(i) & 15U];
  return text;
}

// Nobody sees a half of it: a file that is whole gets its name, unless somebody else was faster.
Result<> make_secret(std::string const& folder, std::string const& path) {
  if (auto made = make_data_folder(folder); !made) return made;
  auto const draft = path + "." + make_digits(16);
  if (auto written = write_new_file(draft, make_digits(secret_digits) + "\n"); !written) return written;
  sync(draft);
  bool const is_named = ::link(draft.c_str(), path.c_str()) == 0;
  int const why = errno;
  ::unlink(draft.c_str());
  if (!is_named && why != EEXIST) return cannot("write", path, why);
  sync(folder);
  return {};
}

Error wrong_secret(std::string const& path, std::string const& what) {
  return error(Code::configuration, path + " " + what);
}

Result<std::string> read_secret_from(int fd, std::string const& path, SecretFile const& file) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return wrong_secret(path, std::string("can't be read: ") + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return wrong_secret(path, "is no file; move it away, then a new key is made");
  if (status.st_uid != geteuid() && geteuid() != 0) {
    return wrong_secret(path, "belongs to another user; run as that user, or choose another folder with --data DIR");
  }
  if ((status.st_mode & 077U) != 0) {
    return wrong_secret(path, "is open to other users; run: chmod 600 " + path +
                                  ", or delete it if one of them may have read it: then a new key is made and " +
                                  std::string(file.loss));
  }
  std::array<char, secret_digits + 2> buffer{};
  auto const count = ::read(fd, buffer.data(), buffer.size());
  if (count < 0) return wrong_secret(path, std::string("can't be read: ") + std::strerror(errno));
  std::string_view text(buffer.data(), static_cast<std::size_t>(count));
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.size() != secret_digits || text.find_first_not_of(digits) != std::string_view::npos) {
    return wrong_secret(path,
                        "is damaged; put back what was there (64 hexadecimal digits), or delete it: then a new key is "
                        "made and " +
                            std::string(file.loss));
  }
  return std::string(text);
}

// Nothing when there is no such file.
Result<std::optional<std::string>> find_secret(std::string const& path, SecretFile const& file) {
  // A pipe of that name would keep us waiting.
  int const fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::optional<std::string>();
  if (fd < 0) return wrong_secret(path, std::string("can't be read: ") + std::strerror(errno));
  auto secret = read_secret_from(fd, path, file);
  ::close(fd);
  if (!secret) return secret.error();
  return std::optional(std::move(*secret));
}

// is_taken() holds it for a moment, too.
bool take_lock(int lock) {
  for (int round = 0; round < 5; ++round) {
    if (flock(lock, LOCK_EX | LOCK_NB) == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace

Result<> make_data_folder(std::string const& path) {
  std::error_code ec;
  bool const is_new = fs::create_directories(path, ec);
  if (ec) return cannot("make the data folder", path, ec.value());
  if (is_new) fs::permissions(path, fs::perms::owner_all, ec);
  return {};
}

bool is_taken(std::string const& path) {
  int const lock = ::open((path + "/lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0) return false;
  bool const is_free = flock(lock, LOCK_SH | LOCK_NB) == 0;
  ::close(lock);
  return !is_free;
}

Result<std::unique_ptr<Folder>> Folder::open(std::string const& path) {
  if (auto made = make_data_folder(path); !made) return made.error();
  auto const lock_path = path + "/lock";
  int const lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return cannot("write to the data folder", path, errno);
  if (!take_lock(lock)) {
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

Result<std::string> Folder::secret(SecretFile const& file) const { return load_secret(path_, file); }

Result<> Folder::announce(std::string const& address, std::string const& token) {
  json::object body{{"address", address}, {"pid", static_cast<std::int64_t>(getpid())}};
  if (!token.empty()) body["token"] = token;
  auto written = write_private_file(path_ + "/server.json", json::to_text(body) + "\n");
  announced_ = written.has_value();
  return written;
}

Result<std::string> load_secret(std::string const& folder, SecretFile const& file) {
  auto const path = folder + "/" + std::string(file.name);
  for (int round = 0; round < 3; ++round) {
    auto found = find_secret(path, file);
    if (!found) return found.error();
    if (*found) return std::move(**found);
    if (auto made = make_secret(folder, path); !made) return made.error();
  }
  return error(Code::cannot_create, path + " does not stay where it is made; choose another folder with --data DIR");
}

}  // namespace sojourn
