// The door to the files that functions made: screenshots, downloads, the video. Who may read the session may read them;
// of one that is over its owner has the video, as long as that is kept. Invariant: nothing outside of a session's own
// folder is ever read, and no file is shown as a page of ours. The hub's thread; files are read on another one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/router.h"
#include "core/hub.h"

namespace sojourn {

// A part of a file that is asked for.
struct ByteRange {
  std::int64_t first = 0;  // negative: so many at the end
  std::int64_t last = INT64_MAX;
};

struct FilePart {
  std::string bytes;
  std::int64_t first = 0;
  std::int64_t size = 0;  // of the whole file
};

class SessionFiles {
 public:
  // Runs `job` elsewhere and then `done` on the hub's thread; false when too much waits already.
  using Work = std::function<bool(std::function<void()> job, std::function<void()> done)>;

  // `hub` outlives the door; the files of a session are in FOLDER/ID.
  SessionFiles(Hub& hub, std::string folder, Work work)
      : hub_(hub), folder_(std::move(folder)), work_(std::move(work)) {}

  static std::span<Route const> routes();

  void give(Request const& request, Parameters const& parameters, Respond respond);
  void give_video(Request const& request, Parameters const& parameters, Respond respond);

 private:
  struct Wanted {
    std::string id;
    std::string name;
    std::optional<ByteRange> range;
  };

  void find(Request const& request, Wanted wanted, Respond respond);
  void read(Wanted const& wanted, Respond respond);

  Hub& hub_;
  std::string folder_;
  Work work_;
};

inline constexpr std::size_t session_file_bytes_max = 64 * 1024 * 1024;

// 1 to 100 of [A-Za-z0-9._-], and not a dot first.
bool is_file_name(std::string_view name);

// What a Range header asks for; nothing where it is no single range of bytes, so that the whole is meant.
std::optional<ByteRange> parse_range(std::string_view header);

// The bytes of FOLDER/ID/NAME, through no link: all of them, or of a part at most session_file_bytes_max; none, where
// there is no such part. Code::not_found, Code::too_large (all of them). Blocks; any thread.
Result<FilePart> read_session_file(std::string const& folder, std::string const& id, std::string const& name,
                                   std::optional<ByteRange> range = {});

}  // namespace sojourn
