// Port: drives the pages of browser sessions, each with its own cookies, storage, history and page. The hub decides who
// may and whether there is room; whoever implements this does it. Plain values, all calls on the hub's thread;
// callbacks run there too, in a later loop iteration.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace sojourn {

enum class Function : std::uint8_t { open, snapshot, interact, screenshot, execute, close };
inline constexpr std::size_t functions = 6;

constexpr std::string_view to_word(Function function) {
  constexpr std::array<std::string_view, functions> words{"open",       "snapshot", "interact",
                                                          "screenshot", "execute",  "close"};
  return words[static_cast<std::size_t>(function)];
}

// What a new browser session is to be.
struct BrowserWish {
  std::int64_t width = 1280;  // of the viewport, in CSS pixels
  std::int64_t height = 720;
  std::string user_agent = {};  // empty = the browser's own, as with locale and time_zone
  std::string locale = {};      // "de-DE"
  std::string time_zone = {};   // "Europe/Berlin"
  std::string proxy_url = {};   // empty = none
  std::string proxy_username = {};
  std::string proxy_password = {};
  bool is_alone = false;       // has a browser process of its own
  bool is_full = false;        // the whole browser rather than its headless shell
  bool records_video = false;  // from its first page on
  bool shows_cursor = false;

  bool operator==(BrowserWish const&) const = default;
};

struct FunctionCall {
  std::string session_id;
  Function function = Function::snapshot;
  json::object input;           // valid; null where nothing was given and there is no default
  std::int64_t timeout_us = 0;  // from call() to its answer; what it waits for others counts
};

// Something that happened to a session by itself.
struct BrowserNews {
  std::string session_id;
  std::string name;     // navigated, dialog, page_crashed, hung, crashed, recovered, not_recovered
  std::string data;     // JSON object
  bool is_end = false;  // there is nothing left to call
};

// What a session can be made of again after its browser or this server has ended. Nobody else can read it, or has to.
struct BrowserCheckpoint {
  std::string session_id;
  std::string sealed;
};

class Browser {
 public:
  // JSON text of what the function gives.
  using Done = std::function<void(Result<std::string>)>;
  using OnNews = std::function<void(BrowserNews)>;
  using OnCheckpoint = std::function<void(BrowserCheckpoint)>;

  virtual ~Browser() = default;

  // Whom to tell; once, before anything else. A checkpoint takes the place of the session's last one.
  virtual void listen(OnNews on_news, OnCheckpoint on_checkpoint) = 0;

  // How many sessions there may be at a time on this machine.
  virtual std::size_t capacity() const = 0;

  // Takes the session in and prepares it; the first call waits for that. An id is new.
  virtual void open(std::string const& session_id, BrowserWish wish) = 0;

  // A session of before: it costs nothing until it is called, then it is made of its checkpoint. The output of that
  // call has "recovered": true and "lost": sentences that say what is not as it was. A checkpoint that can't be opened
  // is an error of that call, Code::damaged, and the end of the session.
  virtual void resume(std::string const& session_id, std::string sealed) = 0;

  // Tells the checkpoints of what has changed since the last ones, as far as pages answer soon; then `done`.
  virtual void save(std::function<void()> done) = 0;

  // Calls of one session run one after the other, those of different sessions side by side. `done` runs exactly once.
  // An action that fails is an answer and says so; errors are those of the session: Code::timeout; Code::crashed;
  // Code::conflict (nothing was opened yet); Code::failed (a page can't be opened); Code::forbidden (an address that no
  // session may go to); Code::ended (closed meanwhile); Code::unavailable (there is no browser, and what to do).
  virtual void call(FunctionCall call, Done done) = 0;

  // Ends the session at once, whatever runs in it, and frees what it has. Gives {"success","video"}; the video may take
  // a moment. One that is not there: success without a video.
  virtual void close(std::string const& session_id, Done done) = 0;
};

}  // namespace sojourn
