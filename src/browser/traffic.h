// What a page is loading: navigations and requests under way, each with its place in the order in which they began, so
// that what an action set off can be told from what ran before. Only reads events; the browser thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"

namespace sojourn {

class Traffic {
 public:
  // A moment in the order of events.
  using Mark = std::uint64_t;
  static constexpr std::size_t requests_max = 2000;  // under way at a time; more are not counted

  // Any event of any session.
  void hear(std::string const& session, std::string_view method, json::object const& params);
  // Nothing is under way any more; or nothing of that session.
  void forget_all();
  void forget(std::string_view session);

  Mark mark() const { return last_; }

  // A document that the frame is going to have was asked for after the mark, and has neither come nor been given up.
  bool is_navigating(std::string_view frame_id, Mark since) const;
  // The same of any frame, and of requests that count: scripts, styles, data and documents; not pictures, streams,
  // pings.
  bool is_navigating(Mark since) const;
  std::size_t requests(Mark since) const;
  // Another document was asked for after that one, and may still come.
  bool is_overtaken(std::string_view frame_id, std::string_view loader_id) const;
  // One was asked for, whether or not it is under way still; the frame got another document by it.
  bool has_asked(std::string_view frame_id, Mark since) const;
  // Its script asked for one that has not begun. What was asked for in vain is so until the next: that it is cleared is
  // also said, by another process, right before it begins.
  bool is_asking(std::string_view frame_id, Mark since) const;
  bool has_begun_requests(Mark since) const { return last_request_ > since; }

 private:
  struct Request {
    std::string session;
    std::string frame_id;
    Mark begun = 0;
  };
  struct Move {
    Mark asked = 0;         // a script or a person asked for it
    Mark begun = 0;         // of the last one
    bool is_asked = false;  // and it has not begun
    bool is_under_way = false;
    std::string loader_id;
  };

  void on_request(std::string const& session, json::object const& params);
  void on_started(json::object const& params);
  void on_navigated(json::object const& frame);
  void end_move(std::string_view frame_id);

  Mark last_ = 0;
  Mark last_request_ = 0;
  std::map<std::string, Request, std::less<>> requests_;
  std::map<std::string, Move, std::less<>> moves_;  // by frame
};

}  // namespace sojourn
