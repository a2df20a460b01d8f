// The Socket.IO client that pages load from the server: files of the npm package socket.io-client, unchanged, each with
// its map. Invariant: a file is read when it is first asked for and kept; nothing but these names is ever read.
// The hub's thread.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "api/router.h"

namespace sojourn {

class ClientFiles {
 public:
  // A whole file.
  using Read = std::function<Result<std::string>(std::string const& path)>;

  // `folder` is the package's dist, whose package.json stands beside the files or above them; empty = there is none.
  ClientFiles(std::string folder, Read read) : folder_(std::move(folder)), read_(std::move(read)) {}
  ClientFiles(ClientFiles const&) = delete;
  ClientFiles& operator=(ClientFiles const&) = delete;

  static std::span<Route const> routes();

  void show(Request const& request, Parameters const& parameters, Respond respond);

 private:
  std::string const* find(std::string_view name);
  std::string const& etag();

  std::string folder_;
  Read read_;
  std::map<std::string, std::string, std::less<>> files_;  // that have been read
  std::string etag_;                                       // empty = unknown
};

// Whether `path` is that of one of these files: public code, which a page of an allowed origin may also load with a
// script element, that is without an Origin.
bool is_client_file(std::string_view path);

}  // namespace sojourn
