#include "browser/fields.h"

#include <utility>

#include "browser/params.h"

namespace sojourn {
namespace {

constexpr std::int64_t pause_us = 20'000;

void read_changes(json::object const& done, Impact& impact) {
  impact.changes = find_number(done, "changes");
  impact.more = find_number(done, "more");
}

}  // namespace

Task<Result<json::object>> Fields::insist(Grip grip, std::string word, json::array more, Patience patience) {
  for (;;) {
    CO_TRY(auto done, co_await hands_.use(grip, word, more, patience.until_us));
    if (auto const never = json::find_string(done, "never"); !never.empty())
      co_return error(Code::unprocessable, std::string(never));
    auto const why = std::string(json::find_string(done, "why"));
    if (why.empty()) co_return done;
    auto const next = hands_.tab().now_us() + pause_us;
    if (next >= patience.until_us) co_return too_late(patience.timeout_ms, why);
    if (!co_await hands_.tab().sleep_until(next)) co_return hands_.tab().state().error();
  }
}

Task<Result<Impact>> Fields::finish(Grip grip, json::object box, std::int64_t deadline_us, std::string word,
                                    json::array more) {
  Impact impact;
  auto const done = co_await hands_.use(grip, std::move(word), std::move(more), deadline_us);
  if (!done && done.error().code != Code::stale_ref) co_return done.error();
  impact.is_known = done.has_value();
  if (done) {
    if (auto const never = json::find_string(*done, "never"); !never.empty())
      co_return error(Code::unprocessable, std::string(never));
    if (auto const note = json::find_string(*done, "note"); !note.empty()) hands_.tab().aside = std::string(note);
    read_changes(*done, impact);
  }
  auto const placed = co_await pointer_.place(std::move(grip), read_box(box), deadline_us);
  if (placed) impact.box = *placed;
  co_return impact;
}

Task<Result<Impact>> Fields::fill(Grip grip, std::string text, std::int64_t timeout_ms) {
  auto const patience = this->patience(timeout_ms);
  json::array given;
  given.emplace_back(text);
  CO_TRY(auto const ready, co_await insist(grip, "fill", std::move(given), patience));
  auto box = find_object(ready, "box");
  json::array more;
  more.emplace_back(text);
  more.emplace_back(json::find_string(ready, "before"));
  co_return co_await finish(std::move(grip), std::move(box), patience.until_us, "filled", std::move(more));
}

Task<Result<Impact>> Fields::select(Grip grip, std::string label, std::int64_t timeout_ms) {
  json::array more;
  more.emplace_back(label);
  CO_TRY(auto const done, co_await insist(grip, "select", std::move(more), patience(timeout_ms)));
  auto box = find_object(done, "box");
  co_return co_await finish(std::move(grip), std::move(box), patience(timeout_ms).until_us);
}

Task<Result<Impact>> Fields::tick(Grip grip, Tick wanted, std::int64_t timeout_ms) {
  auto const is_so = [wanted](json::object const& state) {
    return find_bool(state, "on") == (wanted == Tick::on) && !find_bool(state, "mixed");
  };
  CO_TRY(auto const before, co_await insist(grip, "checked", {}, patience(timeout_ms)));
  if (is_so(before)) {
    auto box = find_object(before, "box");
    co_return co_await finish(std::move(grip), std::move(box), patience(timeout_ms).until_us);
  }
  if (wanted == Tick::off && find_bool(before, "radio"))
    co_return error(
        Code::unprocessable,
        "Cannot uncheck radio button. Radio buttons can only be unchecked by selecting another radio button "
        "in the same group.");
  CO_TRY(auto impact, co_await pointer_.click(grip, 1, timeout_ms));
  auto after = co_await hands_.use(grip, "checked", {}, patience(timeout_ms).until_us);
  if (find_bool(before, "mixed") && after && !is_so(*after)) {  // one that was half on gets there by way of the other
    CO_CHECK(co_await pointer_.click(grip, 1, timeout_ms));
    after = co_await hands_.use(grip, "checked", {}, patience(timeout_ms).until_us);
  }
  if (!after && after.error().code != Code::stale_ref) co_return after.error();
  if (after && !is_so(*after)) co_return error(Code::unprocessable, "Clicking the checkbox did not change its state");
  co_return impact;
}

Task<Result<Impact>> Fields::upload(Grip grip, json::array paths, std::int64_t timeout_ms) {
  auto const end = patience(timeout_ms).until_us;
  CO_TRY(auto const ready, co_await insist(grip, "takesFiles", {}, patience(timeout_ms)));
  if (paths.size() > 1 && !find_bool(ready, "multiple"))
    co_return error(Code::unprocessable, "Non-multiple file input can only accept single file");
  json::object params;
  params["files"] = std::move(paths);
  params["objectId"] = grip.object_id;
  auto& tab = hands_.tab();
  auto const set = co_await tab.send(grip.session, "DOM.setFileInputFiles", params, end);
  if (!set) co_return tab.judge(set.error());
  auto box = find_object(ready, "box");
  co_return co_await finish(std::move(grip), std::move(box), end);
}

Task<Result<Impact>> Fields::show(Grip grip, std::int64_t timeout_ms) {
  CO_TRY(auto const shown, co_await insist(grip, "show", {}, patience(timeout_ms)));
  auto box = find_object(shown, "box");
  co_return co_await finish(std::move(grip), std::move(box), patience(timeout_ms).until_us);
}

Task<Result<Impact>> Fields::strike(std::vector<KeyCommand> commands, std::int64_t timeout_ms) {
  auto& tab = hands_.tab();
  auto const end = patience(timeout_ms).until_us;
  auto const main = tab.frames.main() == nullptr ? std::string() : tab.frames.main()->id;
  co_await hands_.use_in(main, "observe", {}, end);
  std::vector<Later<Tab::Answer>> answers;
  answers.reserve(commands.size());
  for (auto const& command : commands) answers.push_back(tab.send(tab.session(), command.method, command.params, end));
  for (auto const& later : answers) {
    auto const answer = co_await later;
    if (!answer && answer.error().code == Code::timeout) co_return too_late(timeout_ms, "the page does not answer");
    if (!answer) co_return tab.judge(answer.error());
  }
  Impact impact;
  auto const done = co_await hands_.use_in(main, "finish", {}, end);
  impact.is_known = done.has_value();
  if (done) read_changes(*done, impact);
  co_return impact;
}

}  // namespace sojourn
