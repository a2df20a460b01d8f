// The frames of a page as DevTools tells of them: a tree over several DevTools sessions, one for each process that has
// frames of the page. Invariant: each document has a number of its own, never given again in this page, so that a node
// id of an older document is never taken for one of a newer. Only reads events; the browser thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace sojourn {

struct LiveFrame {
  std::string id;
  std::string parent_id;  // empty = the main frame
  std::string session;    // of the process that its document lives in
  std::string url;
  std::string loader_id;       // of its document
  std::uint64_t document = 0;  // the number of its document
  std::int64_t world = 0;      // the execution context of our isolated world in that document; 0 = none yet
  bool is_readable = false;    // DOMContentLoaded
  bool is_loaded = false;
};

class Frames {
 public:
  static constexpr std::size_t frames_max = 1000;  // more of a page are not seen

  // What there was before its events could be heard: `frameTree` of Page.getFrameTree.
  void seed(std::string const& session, json::object const& tree);
  // Any event of any session; those that say nothing of frames change nothing.
  void hear(std::string const& session, std::string_view method, json::object const& params);
  // All documents are gone; the main frame stays.
  void crash();

  LiveFrame* find(std::string_view id);
  LiveFrame const* find(std::string_view id) const;
  // Null until there is one.
  LiveFrame const* main() const { return find(main_id_); }
  std::vector<LiveFrame const*> all() const;
  // Other than the main one's, each once.
  std::vector<std::string> child_sessions() const;
  // Of every document that ever was: a new one changes it.
  std::uint64_t last_document() const { return last_document_; }

 private:
  LiveFrame* add(std::string const& session, std::string_view id, std::string_view parent_id);
  void remove(std::string_view id);
  void on_navigated(std::string const& session, json::object const& frame);
  void on_attached_target(json::object const& params);
  void on_detached_target(json::object const& params);
  void on_lifecycle(json::object const& params);
  void renew(LiveFrame& frame);

  std::map<std::string, LiveFrame, std::less<>> frames_;
  std::string main_id_;
  std::uint64_t last_document_ = 0;
};

}  // namespace sojourn
