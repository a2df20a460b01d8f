#include "browser/hands.h"

#include <utility>

#include "browser/hands_script.h"
#include "browser/params.h"

namespace sojourn {
namespace {

constexpr std::string_view group = "hands";

Error stale() { return error(Code::stale_ref, "the element is not in the page any more"); }

// What Chromium says when a document or a node went away under a command.
bool is_stale(Error const& why) {
  auto const says = [&](std::string_view words) { return why.message.find(words) != std::string::npos; };
  return why.code == Code::failed &&
         (says("context") || says("No node") || says("navigated or closed") || says("not find object") ||
          says("does not belong to the document") || says("No frame") || says("Frame with the given id"));
}

Error as_stale(Error why) { return is_stale(why) ? stale() : why; }

json::object to_arguments(json::array const& values) {
  json::array arguments;
  for (auto const& value : values) arguments.emplace_back(only("value", value));
  json::object params;
  params["arguments"] = std::move(arguments);
  params["awaitPromise"] = true;
  params["returnByValue"] = true;
  return params;
}

}  // namespace

Task<Result<std::int64_t>> Hands::world_of(std::string frame_id, std::uint64_t document, std::int64_t deadline_us) {
  auto const* frame = tab_.frames.find(frame_id);
  if (frame == nullptr || frame->document != document) co_return stale();
  if (frame->world != 0) co_return frame->world;
  json::object params;
  params["frameId"] = frame_id;
  params["worldName"] = world_name;
  auto const session = frame->session;
  auto const made = co_await tab_.send(session, "Page.createIsolatedWorld", params, deadline_us);
  if (!made) co_return as_stale(made.error());
  auto const world = find_integer(*made, "executionContextId");
  auto* const now = tab_.frames.find(frame_id);
  if (now == nullptr || now->document != document) co_return stale();
  now->world = world;
  params = only("expression", hands_script());
  params["contextId"] = world;
  params["returnByValue"] = true;
  tab_.send(session, "Runtime.evaluate", params, deadline_us);  // runs before whatever is sent next
  co_return world;
}

Task<Result<Grip>> Hands::hold(NodeKey key, std::int64_t deadline_us) {
  auto const document = static_cast<std::uint64_t>(key.generation);
  CO_TRY(auto const world, co_await world_of(key.frame_id, document, deadline_us));
  auto const* const frame = tab_.frames.find(key.frame_id);
  if (frame == nullptr || frame->document != document) co_return stale();
  Grip grip;
  grip.session = frame->session;
  json::object params;
  params["backendNodeId"] = key.backend_id;
  params["executionContextId"] = world;
  params["objectGroup"] = group;
  auto const found = co_await tab_.send(grip.session, "DOM.resolveNode", params, deadline_us);
  if (!found) co_return as_stale(found.error());
  auto const* const now = tab_.frames.find(key.frame_id);
  if (now == nullptr || now->document != document) co_return stale();
  grip.key = std::move(key);
  grip.object_id = std::string(json::find_string(find_object(*found, "object"), "objectId"));
  co_return grip;
}

Task<Result<json::object>> Hands::call(std::string session, json::object params, std::int64_t deadline_us) {
  auto const answer = co_await tab_.send(session, "Runtime.callFunctionOn", params, deadline_us);
  if (!answer && answer.error().code == Code::timeout && tab_.is_leaving()) co_return stale();
  if (!answer) co_return as_stale(answer.error());
  if (auto const& thrown = find_object(*answer, "exceptionDetails"); !thrown.empty())
    co_return error(Code::failed, std::string(json::find_string(find_object(thrown, "exception"), "description",
                                                                json::find_string(thrown, "text"))));
  auto const& value = find_object(find_object(*answer, "result"), "value");
  if (find_bool(value, "gone")) co_return stale();
  co_return value;
}

Task<Result<json::object>> Hands::use(Grip grip, std::string word, json::array more, std::int64_t deadline_us) {
  auto params = to_arguments(more);
  params["functionDeclaration"] = "function(...more){return hands." + word + "(this,...more)}";
  params["objectId"] = grip.object_id;
  co_return co_await call(std::move(grip.session), std::move(params), deadline_us);
}

Task<Result<json::object>> Hands::use_in(std::string frame_id, std::string word, json::array more,
                                         std::int64_t deadline_us) {
  auto const* const frame = tab_.frames.find(frame_id);
  if (frame == nullptr) co_return stale();
  auto const session = frame->session;
  CO_TRY(auto const world, co_await world_of(std::move(frame_id), frame->document, deadline_us));
  auto params = to_arguments(more);
  params["functionDeclaration"] = "function(...more){return hands." + word + "(...more)}";
  params["executionContextId"] = world;
  co_return co_await call(session, std::move(params), deadline_us);
}

void Hands::whisper(std::string const& frame_id, std::string const& expression) {
  auto const* const frame = tab_.frames.find(frame_id);
  if (frame == nullptr || frame->world == 0) return;
  auto params = only("expression", expression);
  params["contextId"] = frame->world;
  params["returnByValue"] = true;
  tab_.send(frame->session, "Runtime.evaluate", params, tab_.now_us() + Wire::answer_us);
}

void Hands::let_go() {
  auto const params = only("objectGroup", group);
  auto const deadline = tab_.now_us() + Wire::answer_us;
  tab_.send(tab_.session(), "Runtime.releaseObjectGroup", params, deadline);
  for (auto const& child : tab_.frames.child_sessions())
    tab_.send(child, "Runtime.releaseObjectGroup", params, deadline);
}

Task<Result<NodeKey>> Hands::owner_of(std::string frame_id, std::int64_t deadline_us) {
  auto const* const frame = tab_.frames.find(frame_id);
  auto const* const parent = frame == nullptr ? nullptr : tab_.frames.find(frame->parent_id);
  if (parent == nullptr) co_return stale();
  NodeKey key;
  key.frame_id = parent->id;
  key.generation = static_cast<std::int64_t>(parent->document);
  auto const found = co_await tab_.send(parent->session, "DOM.getFrameOwner", only("frameId", frame_id), deadline_us);
  if (!found) co_return as_stale(found.error());
  key.backend_id = find_integer(*found, "backendNodeId");
  co_return key;
}

Task<Result<NodeKey>> Hands::find_one(std::string frame_id, std::string css, std::int64_t deadline_us) {
  auto const* const frame = tab_.frames.find(frame_id);
  if (frame == nullptr) co_return stale();
  NodeKey key;
  key.frame_id = frame_id;
  key.generation = static_cast<std::int64_t>(frame->document);
  auto const session = frame->session;
  CO_TRY(auto const world, co_await world_of(std::move(frame_id), frame->document, deadline_us));
  json::object params;
  params["expression"] = "document.querySelector(" + json::to_text(json::value(std::string_view(css))) + ")";
  params["contextId"] = world;
  params["objectGroup"] = group;
  auto const found = co_await tab_.send(session, "Runtime.evaluate", params, deadline_us);
  if (!found) co_return as_stale(found.error());
  if (found->contains("exceptionDetails"))
    co_return error(Code::invalid, "'" + css + "' is neither a ref nor a CSS selector");
  auto const object = json::find_string(find_object(*found, "result"), "objectId");
  if (object.empty()) co_return error(Code::not_found, "nothing on the page matches '" + css + "'");
  auto const described = co_await tab_.send(session, "DOM.describeNode", only("objectId", object), deadline_us);
  if (!described) co_return as_stale(described.error());
  key.backend_id = find_integer(find_object(*described, "node"), "backendNodeId");
  co_return key;
}

}  // namespace sojourn
