#include "browser/storage.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "base/crypto.h"
#include "browser/params.h"
#include "browser/storage_script.h"

namespace sojourn {
namespace {

constexpr std::string_view world = "sojourn-storage";
constexpr std::string_view fetch = "Fetch.enable";
constexpr std::int64_t visit_ms = 5'000;

std::string name_of(OriginStorage const& storage) { return "the storage of " + storage.origin; }

json::object of_context(Tab const& tab) {
  json::object params;
  if (!tab.address().context_id.empty()) params["browserContextId"] = tab.address().context_id;
  return params;
}

// A page with a frame for each of them.
std::string page_of(std::vector<OriginStorage> const& origins) {
  std::string page = "<!doctype html>";
  for (auto const& one : origins)
    if (one.origin != one.top) page += "<iframe src=\"" + one.origin + "/\"></iframe>";
  return base64_encode(std::span(reinterpret_cast<unsigned char const*>(page.data()), page.size()));
}

OriginStorage to_storage(std::string const& top, json::object const& read) {
  OriginStorage storage;
  storage.top = top;
  storage.origin = json::find_string(read, "origin");
  storage.text = json::find_string(read, "text");
  for (auto const& sentence : find_array(read, "lost"))
    if (sentence.is_string()) storage.lost.emplace_back(sentence.get_string());
  return storage;
}

// What was known of it before stays.
void miss(Checkpoint& checkpoint, std::string const& top, std::string const& origin) {
  auto const is_it = [&](OriginStorage const& one) { return one.top == top && one.origin == origin; };
  auto const known = std::ranges::find_if(checkpoint.origins, is_it);
  auto storage = known == checkpoint.origins.end() ? OriginStorage{top, origin, {}, {}} : *known;
  storage.lost = {"what " + origin + " keeps, which did not answer"};
  if (!top.empty() && !origin.empty()) checkpoint.put(std::move(storage));
}

double at(json::array const& pair, std::size_t index) {
  if (index >= pair.size() || !pair[index].is_number()) return 0;
  boost::system::error_code wrong;
  auto const number = pair[index].to_number<double>(wrong);
  return wrong ? 0 : number;
}

}  // namespace

std::vector<std::string> Storage::frames_of_origins() const {
  std::vector<std::string> frames;
  std::set<std::string> seen;
  auto const* const main = tab_.frames.main();
  auto all = tab_.frames.all();
  std::stable_partition(all.begin(), all.end(), [&](auto const* frame) { return frame == main; });
  for (auto const* frame : all)
    if (auto const origin = origin_of(frame->url); !origin.empty() && frames.size() < frames_max)
      if (seen.insert(origin).second) frames.push_back(frame->id);
  return frames;
}

Task<Result<json::object>> Storage::run_in(std::string frame_id, std::string word, json::value argument,
                                           std::int64_t deadline_us) {
  auto const* const frame = tab_.frames.find(frame_id);
  if (frame == nullptr) co_return error(Code::stale_ref, "the frame is gone");
  auto const session = frame->session;
  json::object params;
  params["frameId"] = frame_id;
  params["worldName"] = world;
  auto const made = co_await tab_.send(session, "Page.createIsolatedWorld", params, deadline_us);
  if (!made) co_return tab_.judge(made.error());
  params = only("executionContextId", find_integer(*made, "executionContextId"));
  params["functionDeclaration"] = "function(given){return " + std::string(storage_script()) + "." + word + "(given)}";
  params["arguments"] = json::array{only("value", argument)};
  params["awaitPromise"] = true;
  params["returnByValue"] = true;
  auto const answer = co_await tab_.send(session, "Runtime.callFunctionOn", params, deadline_us);
  if (!answer) co_return tab_.judge(answer.error());
  if (answer->contains("exceptionDetails")) co_return error(Code::failed, "the storage of a frame can't be reached");
  co_return find_object(find_object(*answer, "result"), "value");
}

Task<Result<Checkpoint>> Storage::read(Checkpoint known, std::int64_t deadline_us) {
  auto const* const main = tab_.frames.main();
  if (main == nullptr) co_return error(Code::conflict, "there is no page");
  auto next = std::move(known);
  next.url = main->url;
  auto const context = of_context(tab_);
  auto const cookies = co_await tab_.send("", "Storage.getCookies", context, deadline_us);
  if (!cookies) co_return tab_.judge(cookies.error());
  next.put_cookies(find_array(*cookies, "cookies"));
  std::string top;
  auto const main_id = tab_.frames.main() == nullptr ? std::string() : tab_.frames.main()->id;
  auto const frames = frames_of_origins();
  for (auto const& id : frames) {
    auto const read = co_await run_in(id, "read", Checkpoint::bytes_max, deadline_us);
    if (!read && !tab_.state()) co_return read.error();
    bool const is_late = !read && read.error().code == Code::timeout;
    if (is_late && id == main_id) co_return read.error();
    auto const* const frame = is_late ? tab_.frames.find(id) : nullptr;
    if (frame != nullptr) miss(next, top, origin_of(frame->url));
    if (!read) continue;  // or the frame went away meanwhile
    auto storage = to_storage(top, *read);
    if (id == main_id) {
      top = storage.top = storage.origin;
      next.scroll_x = at(find_array(*read, "scroll"), 0);
      next.scroll_y = at(find_array(*read, "scroll"), 1);
    }
    if (!top.empty() && !storage.origin.empty()) next.put(std::move(storage));
  }
  next.fit();
  co_return next;
}

// All at once; where one of them is not taken, one by one.
Task<std::int64_t> Storage::count_refused(json::array cookies, std::int64_t deadline_us) {
  auto params = of_context(tab_);
  params["cookies"] = cookies;
  if (cookies.empty()) co_return 0;
  if (auto const set = co_await tab_.send("", "Storage.setCookies", params, deadline_us); set) co_return 0;
  std::vector<Later<Tab::Answer>> answers;
  for (auto const& cookie : cookies) {
    params["cookies"] = json::array{cookie};
    answers.push_back(tab_.send("", "Storage.setCookies", params, deadline_us));
  }
  std::int64_t refused = 0;
  for (auto const& answer : answers) {
    auto const set = co_await answer;
    if (!set) ++refused;
  }
  co_return refused;
}

void Storage::answer_requests(std::string page) {
  auto const on_request = [this, page = std::move(page)](std::string const& session, json::object const& params) {
    auto const* const main = tab_.frames.main();
    bool const is_page = main != nullptr && json::find_string(params, "frameId") == main->id;
    auto header = only("name", "Content-Type");
    header["value"] = "text/html";
    auto answer = only("requestId", json::find_string(params, "requestId"));
    answer["responseCode"] = 200;
    answer["responseHeaders"] = json::array{header};
    answer["body"] = is_page ? std::string_view(page) : std::string_view();
    tab_.send(session, "Fetch.fulfillRequest", answer, tab_.now_us() + Wire::answer_us);
  };
  tab_.hear_everywhere("Fetch.requestPaused", on_request);
  tab_.furniture[std::string(fetch)] = {};  // what comes up later
  tab_.send(tab_.session(), fetch, {}, tab_.now_us() + Wire::answer_us);
}

void Storage::let_requests_go() {
  tab_.furniture.erase(std::string(fetch));
  tab_.send(tab_.session(), "Fetch.disable", {}, tab_.now_us() + Wire::answer_us);
  tab_.hear_everywhere("Fetch.requestPaused", {});
}

Task<Storage::Lost> Storage::write_one(OriginStorage storage, std::int64_t deadline_us) {
  auto const frames = tab_.frames.all();
  auto const* const main = tab_.frames.main();
  auto const place = std::ranges::find_if(frames, [&](auto const* frame) {
    return (frame == main) == (storage.origin == storage.top) && origin_of(frame->url) == storage.origin;
  });
  if (place == frames.end()) co_return Lost{name_of(storage)};
  json::value const text(storage.text);
  auto const written = co_await run_in((*place)->id, "write", text, deadline_us);
  if (!written) co_return Lost{name_of(storage)};
  co_return to_storage(storage.top, *written).lost;
}

Task<Storage::Lost> Storage::write_all(std::vector<OriginStorage> of_one_top, std::int64_t deadline_us) {
  Lost lost;
  answer_requests(page_of(of_one_top));
  auto const left_ms = std::max<std::int64_t>((deadline_us - tab_.now_us()) / 1000, 1);
  auto const gone = co_await navigation_.go(of_one_top.front().top + "/", std::min(visit_ms, left_ms));
  for (auto const& one : of_one_top) {
    Lost more{name_of(one)};
    if (gone) more = co_await write_one(one, deadline_us);
    lost.insert(lost.end(), more.begin(), more.end());
  }
  co_return lost;
}

Task<Result<std::vector<std::string>>> Storage::write(Checkpoint checkpoint, std::int64_t deadline_us) {
  Lost lost;
  auto cookies = std::move(checkpoint.cookies);
  if (auto const refused = co_await count_refused(std::move(cookies), deadline_us); refused > 0)
    lost.push_back(std::to_string(refused) + " cookies, which the browser did not take");
  std::map<std::string, std::vector<OriginStorage>> tops;
  for (auto& one : checkpoint.origins)
    if (!one.text.empty()) tops[one.top].push_back(std::move(one));
  for (auto const& [top, origins] : tops) {
    auto of_top = origins;
    auto const more = co_await write_all(std::move(of_top), deadline_us);
    lost.insert(lost.end(), more.begin(), more.end());
  }
  if (!tops.empty()) {
    co_await navigation_.go("about:blank", visit_ms);
    let_requests_go();
    tab_.send(tab_.session(), "Page.resetNavigationHistory", {}, deadline_us);
  }
  if (auto const state = tab_.state(); !state) co_return state.error();
  co_return lost;
}

}  // namespace sojourn
