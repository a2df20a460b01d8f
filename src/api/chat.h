// The chat request of the session monitor: a question asked in a thread, answered line by line as an event stream. What
// the responder remarks on its way goes into that stream, or to the sockets of the thread, who may come for it later.
// Invariant: each line of the answer is said once, and nothing in place of an answer. A reader that leaves ends
// nothing: the answer is in the thread's log all the same. The hub's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/responder.h"
#include "api/router.h"
#include "base/random.h"
#include "core/hub.h"

namespace sojourn {

class Chat {
 public:
  struct World {
    Hub& hub;
    Responder& responder;
    Random random;
    Clock clock;
    Later later;
    // A thread is in use: when its question is asked, and every 10 s until the answer is whole. May be empty.
    std::function<void(Principal const& by, std::string const& thread_id)> touch = {};
  };
  static constexpr std::int64_t touch_us = 10'000'000;
  static constexpr std::int64_t remark_us_min = 50'000;  // between two remarks to the sockets, which join meanwhile
  static constexpr std::size_t running_max = 1000;       // answers on their way

  // The references outlive the door.
  explicit Chat(World world) : world_(std::move(world)) {}
  Chat(Chat const&) = delete;
  Chat& operator=(Chat const&) = delete;

  static std::span<Route const> routes();

  void ask(Request const& request, Parameters const& parameters, Respond respond);
  void preflight(Request const& request, Parameters const& parameters, Respond respond);
  void pong(Request const& request, Parameters const& parameters, Respond respond);

 private:
  // Cuts a text that grows into blocks of an event stream, one for each line that is not blank.
  class Lines {
   public:
    // The blocks of the lines that `text` completes.
    std::string feed(std::string_view text);
    // Those of `answer` that have not been given; it may be another than what was fed.
    std::string finish(std::string_view answer) const;

   private:
    std::string begun_;
    std::vector<std::string> given_;
  };
  struct Wish {
    std::string thread_id;
    std::string query;
    std::string data;
    bool to_sockets = false;  // remarks go to the thread, not into the stream
  };
  struct Running {
    Principal by;
    Wish wish;
    std::string session_id;
    Respond respond;
    Pieces pieces;
    Lines lines = {};
    std::string remarked = {};   // text of all analysis
    json::object held = {};      // a remark that waits for more; empty = none
    std::int64_t tell_us = 0;    // steady; when the next may be told
    bool waits_to_tell = false;  // until then
    bool is_open = false;        // the stream has begun
    bool has_told = false;       // the sockets something
  };
  // Whom to answer.
  struct Reader {
    Principal principal;
    Respond respond;
    Pieces pieces;
  };

  static Result<Wish> parse_wish(Request const& request);
  void open_thread(Reader reader, Wish wish);
  void begin(Reader reader, Wish wish, std::string session_id);
  void tick(std::string const& id);
  void say(Running& running, std::string blocks);
  void take_remark(std::string const& id, json::object const& remark);
  void hold(std::string const& id, json::object const& remark);
  void tell_held(Running& running);
  void tell(Running& running, json::object const& remark);
  void finish(std::string const& id, Result<json::object> const& answer);

  World world_;
  std::map<std::string, Running, std::less<>> running_;  // by the query's id
};

}  // namespace sojourn
