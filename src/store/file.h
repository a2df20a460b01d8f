// Files of a store as the disk sees them: private ones, made and named so that a power cut leaves the old or the new.
// Code::cannot_create names the file and why. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace sojourn {

// A file that one holder has at a time, in any process, until it goes out of scope; and a number in it, for the next.
class FileLock {
 public:
  // Code::unavailable when somebody else has it.
  static Result<FileLock> take(std::string const& path);
  FileLock(FileLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

  // Survives the process that notes it, but is not synced: after a power cut it may be an older one.
  void note(std::uint64_t number) const;
  // The last that was noted; 0 = nothing is known.
  [[nodiscard]] std::uint64_t noted() const;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

// An empty one, 0600, that was not there before.
[[nodiscard]] Result<> make_private_file(std::string const& path);

// Gives a file its name for good, on the disk too. Code::conflict when there is one of that name.
[[nodiscard]] Result<> publish_file(std::string const& draft, std::string const& path);

// What is not there already needs not go.
void remove_file(std::string const& path);

bool has_file(std::string const& path);

// How much may still be written to the folder of a file.
std::uint64_t free_bytes_beside(std::string const& path);

}  // namespace sojourn
