#include "browser/traffic.h"

#include <algorithm>
#include <array>

#include "browser/params.h"

namespace sojourn {
namespace {

constexpr std::size_t moves_max = 1000;

bool counts(std::string_view type) {
  constexpr std::array<std::string_view, 6> counted{"Document", "Script", "Stylesheet", "XHR", "Fetch", "Preflight"};
  return std::ranges::find(counted, type) != counted.end();
}

}  // namespace

void Traffic::hear(std::string const& session, std::string_view method, json::object const& params) {
  auto const frame_id = json::find_string(params, "frameId");
  if (method == "Network.requestWillBeSent") return on_request(session, params);
  if (method == "Network.loadingFinished" || method == "Network.loadingFailed") {
    if (auto const place = requests_.find(json::find_string(params, "requestId")); place != requests_.end())
      requests_.erase(place);
    return;
  }
  if (method == "Page.frameRequestedNavigation") {
    if (json::find_string(params, "disposition") != "currentTab" || moves_.size() >= moves_max) return;
    auto& move = moves_[std::string(frame_id)];
    move.asked = ++last_;
    move.is_asked = true;
    return;
  }
  if (method == "Page.frameStartedNavigating") return on_started(params);
  if (method == "Page.frameNavigated") return on_navigated(find_object(params, "frame"));
  if (method == "Page.frameStoppedLoading" || method == "Page.frameDetached") return end_move(frame_id);
  if (method == "Page.navigatedWithinDocument") return end_move(frame_id);
  if (method == "Target.attachedToTarget") {
    // A worker is there: its script was asked for by this id, and that this has come is said to nobody.
    requests_.erase(std::string(json::find_string(find_object(params, "targetInfo"), "targetId")));
    return;
  }
  if (method == "Target.detachedFromTarget") return forget(json::find_string(params, "sessionId"));
}

void Traffic::forget_all() {
  requests_.clear();
  for (auto& [id, move] : moves_) move.is_under_way = move.is_asked = false;
}

void Traffic::forget(std::string_view session) {
  std::erase_if(requests_, [&](auto const& request) { return request.second.session == session; });
}

bool Traffic::is_navigating(std::string_view frame_id, Mark since) const {
  auto const place = moves_.find(frame_id);
  return place != moves_.end() && place->second.is_under_way && place->second.begun > since;
}

bool Traffic::is_navigating(Mark since) const {
  return std::ranges::any_of(moves_,
                             [&](auto const& move) { return move.second.is_under_way && move.second.begun > since; });
}

std::size_t Traffic::requests(Mark since) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(requests_, [&](auto const& request) { return request.second.begun > since; }));
}

bool Traffic::is_overtaken(std::string_view frame_id, std::string_view loader_id) const {
  auto const place = moves_.find(frame_id);
  return place != moves_.end() && place->second.is_under_way && place->second.loader_id != loader_id;
}

bool Traffic::has_asked(std::string_view frame_id, Mark since) const {
  auto const place = moves_.find(frame_id);
  return place != moves_.end() && (place->second.begun > since || place->second.asked > since);
}

bool Traffic::is_asking(std::string_view frame_id, Mark since) const {
  auto const place = moves_.find(frame_id);
  return place != moves_.end() && place->second.is_asked && place->second.asked > since;
}

void Traffic::on_request(std::string const& session, json::object const& params) {
  auto const id = json::find_string(params, "requestId");
  if (!counts(json::find_string(params, "type")) || requests_.size() >= requests_max) return;
  if (json::find_string(find_object(params, "request"), "url").starts_with("data:")) return;
  if (requests_.contains(id)) return;  // redirected
  last_request_ = ++last_;
  requests_[std::string(id)] = {session, std::string(json::find_string(params, "frameId")), last_};
}

void Traffic::on_started(json::object const& params) {
  auto const type = json::find_string(params, "navigationType");
  if (type == "sameDocument" || type == "historySameDocument" || moves_.size() >= moves_max) return;
  auto& move = moves_[std::string(json::find_string(params, "frameId"))];
  move.begun = ++last_;
  move.is_under_way = true;
  move.is_asked = false;
  move.loader_id = json::find_string(params, "loaderId");
}

void Traffic::on_navigated(json::object const& frame) {
  auto const id = json::find_string(frame, "id");
  auto const loader_id = json::find_string(frame, "loaderId");
  if (loader_id.empty() || !is_overtaken(id, loader_id)) end_move(id);
}

void Traffic::end_move(std::string_view frame_id) {
  auto const place = moves_.find(frame_id);
  if (place == moves_.end()) return;
  place->second.is_under_way = false;
  place->second.is_asked = false;
  // What the frame asked for before is nobody's any more.
  std::erase_if(requests_, [&](auto const& request) {
    return request.second.frame_id == frame_id && request.second.begun < place->second.begun;
  });
}

}  // namespace sojourn
