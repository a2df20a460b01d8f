// The folder of one browser: its profile, its home, its temporary files. It names the server that made it by its key,
// so that a later run of that server finds what an earlier one that was killed has left; nobody else's is touched.
// Invariant: the folder is there until it is removed, at the latest when this object ends. The browser thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/process.h"
#include "base/result.h"

namespace sojourn {

// The same for the same data folder, however it is written, and for no other. None (empty) has a key that is this
// process's, so nothing of it is ever swept.
std::string profile_key(std::string const& data_folder);

class Profile {
 public:
  // In TMPDIR; where there is none, or it is not for the account or too long for a socket's name, in /dev/shm if that
  // is of a good size, otherwise in /tmp. Code::unavailable when it can't be made.
  static Result<Profile> make(std::string const& key, std::optional<Account> const& account);
  ~Profile();
  Profile(Profile&& other) noexcept;
  Profile(Profile const&) = delete;
  Profile& operator=(Profile const&) = delete;
  Profile& operator=(Profile&&) = delete;

  // Now rather than at the end; all that used it have ended.
  void remove();
  std::string const& path() const { return path_; }

 private:
  explicit Profile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Kills the browsers, stopped ones too, and removes the profiles that an earlier run of the server with this data
// folder left behind. Nobody else may use that folder: whoever calls holds it. Takes 2 s at most.
void sweep_leftovers(std::string const& data_folder);

}  // namespace sojourn
