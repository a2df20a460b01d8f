#include "app/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sojourn {
namespace {

Error unreadable(std::string const& path, int number) {
  return error(number == ENOENT || number == ENOTDIR ? Code::not_found : Code::forbidden,
               path + " can't be read: " + std::strerror(number));
}

}  // namespace

Result<std::string> read_file(std::string const& path, std::size_t bytes_max) {
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return unreadable(path, errno);
  std::string text;
  std::array<char, 16384> buffer{};
  ssize_t count = 0;
  while (text.size() <= bytes_max) {
    count = ::read(file, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  int const number = errno;
  ::close(file);
  if (count < 0) return unreadable(path, number);
  if (text.size() > bytes_max) {
    return error(Code::too_large, path + " can't be read: it is over " + std::to_string(bytes_max) + " bytes");
  }
  return text;
}

}  // namespace sojourn
