// The files that functions make, one folder a session: screenshots, the video. What a browser is to upload lies in a
// folder of its own that the browser's account can read. Invariant: nothing outside those folders is written or
// removed. The browser thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/process.h"
#include "base/result.h"
#include "base/time.h"
#include "browser/profile.h"
#include "browser/settings.h"

namespace sojourn {

class Files {
 public:
  // Folders are made when they are needed. `settings` outlives it.
  explicit Files(BrowserSettings const& settings) : settings_(settings) {}
  Files(Files const&) = delete;
  Files& operator=(Files const&) = delete;

  // Keeps the bytes as the next file of that name, as in screenshot-3.png; of each name the last hundred stay.
  // {"uri","path","content_type","size","filename"}. Code::cannot_create.
  Result<json::object> save(std::string const& session_id, std::string_view name, std::string_view bytes,
                            std::string_view content_type);

  // Where to write a file of exactly that name, and the same object of one that has been written there.
  Result<std::string> place(std::string const& session_id, std::string_view filename);
  Result<json::object> describe(std::string const& session_id, std::string_view filename,
                                std::string_view content_type) const;
  // The session's folder; it need not exist.
  std::string folder(std::string const& session_id) const;

  // A copy that the browser may read, for an upload; stays until the session is over. Gives its path.
  Result<std::string> lend(std::string const& session_id, std::string_view filename, std::string_view bytes,
                           std::optional<Account> const& account);

  // The video of a session that is over, as a file like the others; without retention it comes whole, as a data URI.
  // Null if there is none.
  json::value hand_over(std::string const& session_id) const;
  // The session is over: all goes but its video, which goes after its retention.
  void forget(std::string const& session_id, std::int64_t now_us);
  // Removes videos whose retention is over.
  void sweep(std::int64_t now_us);
  // What an earlier server left: all goes but videos whose retention is not over.
  void sweep_leftovers(std::int64_t now_us);

 private:
  BrowserSettings const& settings_;
  std::map<std::string, std::uint64_t> counts_;  // by session and name
  std::map<std::string, Profile> lent_;          // folder by session
  std::uint64_t last_lent_ = 0;
  std::map<std::string, std::int64_t> kept_;  // when a session's video was whole (UTC)
};

inline constexpr std::string_view video_name = "video.webm";

}  // namespace sojourn
