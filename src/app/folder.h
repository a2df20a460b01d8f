// The data folder of a running server: held by one process at a time, and where clients of the same user find it.
// Invariant: server.json is there exactly while this object lives. Any thread.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace sojourn {

class Folder {
 public:
  // Makes the folder (0700) and locks it. Code::cannot_create names what is wrong; Code::unavailable: another server
  // has it.
  static Result<std::unique_ptr<Folder>> open(std::string const& path);
  ~Folder();
  Folder(Folder const&) = delete;
  Folder& operator=(Folder const&) = delete;

  // Writes server.json (0600): {"address":...,"pid":...}
  Result<> announce(std::string const& address);

 private:
  Folder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_;
  bool announced_ = false;
};

}  // namespace sojourn
