#include "browser/frames.h"

#include <algorithm>
#include <utility>

#include "browser/params.h"

namespace sojourn {

void Frames::seed(std::string const& session, json::object const& tree) {
  auto const& given = find_object(tree, "frame");
  on_navigated(session, given);
  if (auto* const frame = find(json::find_string(given, "id"))) frame->is_readable = frame->is_loaded = true;
  if (auto const* const children = tree.if_contains("childFrames"); children != nullptr && children->is_array())
    for (auto const& child : children->get_array())
      if (child.is_object()) seed(session, child.get_object());
}

void Frames::hear(std::string const& session, std::string_view method, json::object const& params) {
  if (method == "Page.lifecycleEvent") return on_lifecycle(params);
  if (method == "Page.frameNavigated") {
    on_navigated(session, find_object(params, "frame"));
    // A page out of the back/forward cache does not load again.
    if (json::find_string(params, "type") == "BackForwardCacheRestore")
      if (auto* const frame = find(json::find_string(find_object(params, "frame"), "id")))
        frame->is_readable = frame->is_loaded = true;
    return;
  }
  if (method == "Page.navigatedWithinDocument") {
    if (auto* const frame = find(json::find_string(params, "frameId"))) frame->url = json::find_string(params, "url");
    return;
  }
  if (method == "Page.frameAttached") {
    add(session, json::find_string(params, "frameId"), json::find_string(params, "parentFrameId"));
    return;
  }
  if (method == "Page.frameDetached") {
    // Swapped: it goes on in another process, whose session says so.
    if (json::find_string(params, "reason") != "swap") remove(json::find_string(params, "frameId"));
    return;
  }
  if (method == "Target.attachedToTarget") return on_attached_target(params);
  if (method == "Target.detachedFromTarget") return on_detached_target(params);
}

void Frames::crash() {
  for (auto place = frames_.begin(); place != frames_.end();)
    place = place->first == main_id_ ? std::next(place) : frames_.erase(place);
  if (auto* const frame = find(main_id_)) renew(*frame);
}

LiveFrame* Frames::find(std::string_view id) {
  auto const place = frames_.find(id);
  return place == frames_.end() ? nullptr : &place->second;
}

LiveFrame const* Frames::find(std::string_view id) const {
  auto const place = frames_.find(id);
  return place == frames_.end() ? nullptr : &place->second;
}

std::vector<LiveFrame const*> Frames::all() const {
  std::vector<LiveFrame const*> found;
  for (auto const& [id, frame] : frames_) found.push_back(&frame);
  return found;
}

std::vector<std::string> Frames::child_sessions() const {
  std::vector<std::string> found;
  auto const* const top = main();
  for (auto const& [id, frame] : frames_)
    if (top != nullptr && frame.session != top->session && std::ranges::find(found, frame.session) == found.end())
      found.push_back(frame.session);
  return found;
}

LiveFrame* Frames::add(std::string const& session, std::string_view id, std::string_view parent_id) {
  if (id.empty()) return nullptr;
  if (auto* const known = find(id)) return known;
  if (frames_.size() >= frames_max) return nullptr;
  auto& frame = frames_[std::string(id)];
  frame.id = id;
  frame.parent_id = parent_id;
  frame.session = session;
  if (parent_id.empty()) main_id_ = id;
  renew(frame);
  return &frame;
}

void Frames::remove(std::string_view id) {
  std::vector<std::string> gone{std::string(id)};
  for (std::size_t next = 0; next < gone.size(); ++next) {
    for (auto const& [child_id, frame] : frames_)
      if (frame.parent_id == gone[next]) gone.push_back(child_id);
    frames_.erase(gone[next]);
  }
}

void Frames::on_navigated(std::string const& session, json::object const& given) {
  auto const id = json::find_string(given, "id");
  auto* const frame = add(session, id, json::find_string(given, "parentId"));
  if (frame == nullptr) return;
  std::vector<std::string> children;
  for (auto const& [child_id, child] : frames_)
    if (child.parent_id == id) children.push_back(child_id);
  for (auto const& child : children) remove(child);
  frame->session = session;
  auto const unreachable = json::find_string(given, "unreachableUrl");
  frame->url = std::string(unreachable.empty() ? json::find_string(given, "url") : unreachable);
  frame->url += json::find_string(given, "urlFragment");
  frame->loader_id = json::find_string(given, "loaderId");
  renew(*frame);
}

void Frames::on_attached_target(json::object const& params) {
  auto const& info = find_object(params, "targetInfo");
  if (json::find_string(info, "type") != "iframe") return;
  auto const session = std::string(json::find_string(params, "sessionId"));
  auto* const frame = add(session, json::find_string(info, "targetId"), json::find_string(info, "parentFrameId"));
  if (frame == nullptr) return;
  frame->session = session;
  renew(*frame);
}

void Frames::on_detached_target(json::object const& params) {
  auto const session = json::find_string(params, "sessionId");
  std::vector<std::string> gone;
  for (auto const& [id, frame] : frames_)
    if (frame.session == session && id != main_id_) gone.push_back(id);
  // A frame that lives on in another process was told of by that one before.
  for (auto const& id : gone) remove(id);
}

void Frames::on_lifecycle(json::object const& params) {
  auto* const frame = find(json::find_string(params, "frameId"));
  if (frame == nullptr || frame->loader_id != json::find_string(params, "loaderId")) return;
  auto const name = json::find_string(params, "name");
  if (name == "DOMContentLoaded") frame->is_readable = true;
  if (name == "load") frame->is_readable = frame->is_loaded = true;
}

void Frames::renew(LiveFrame& frame) {
  frame.document = ++last_document_;
  frame.world = 0;
  frame.is_readable = frame.is_loaded = false;
}

}  // namespace sojourn
