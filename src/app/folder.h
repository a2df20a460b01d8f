// The data folder of a running server: held by one process at a time, and where clients of the same user find it. Its
// secret is everybody's who may read the folder, server or not.
// Invariant: server.json is there exactly while a Folder lives; a secret, once made, stays the same. Any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sojourn {

// A secret of a data folder: the file, and what its loss ends.
struct SecretFile {
  std::string_view name;
  std::string_view loss;
};
inline constexpr SecretFile token_secret{"key", "the tokens of the old one end"};
inline constexpr SecretFile browser_secret{"browser.key", "the browser sessions that it sealed end"};

class Folder {
 public:
  // Makes the folder (0700) and locks it. Code::cannot_create names what is wrong; Code::unavailable: another server
  // has it.
  static Result<std::unique_ptr<Folder>> open(std::string const& path);
  ~Folder();
  Folder(Folder const&) = delete;
  Folder& operator=(Folder const&) = delete;

  // load_secret of this folder.
  [[nodiscard]] Result<std::string> secret(SecretFile const& file = token_secret) const;

  // Writes server.json (0600): {"address":...,"pid":...,"token":...}. An empty token is left out.
  Result<> announce(std::string const& address, std::string const& token = {});

 private:
  Folder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_;
  bool announced_ = false;
};

// Makes the folder, for its owner only (0700), when it is not there. Code::cannot_create names what is wrong.
[[nodiscard]] Result<> make_data_folder(std::string const& path);

// Whether a server has the folder; it may be just starting or ending.
[[nodiscard]] bool is_taken(std::string const& path);

// A secret of a data folder, such as the one that signs its tokens: 64 hexadecimal digits, as text, which fit where a
// secret is configured. Folder and file (0600) are made when they are not there; of several who make it at once, in any
// processes, all get the same. Works while a server holds the folder.
// Code::configuration when others may read the file or it is damaged, saying what to do; Code::cannot_create when it
// can't be made.
[[nodiscard]] Result<std::string> load_secret(std::string const& folder, SecretFile const& file = token_secret);

}  // namespace sojourn
