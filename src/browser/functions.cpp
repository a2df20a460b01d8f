#include "browser/functions.h"

#include <algorithm>
#include <utility>

#include "browser/cursor.h"
#include "browser/execute.h"
#include "browser/params.h"
#include "browser/uploads.h"

namespace sojourn {
namespace {

// Of a call's time, for finding out whether a page that did not answer lives at all.
constexpr std::int64_t rouse_us = 2'500'000;
constexpr std::int64_t picture_us = 10'000'000;
constexpr std::int64_t execute_ms = 30'000;

OutlineWish to_outline(json::object const& input) {
  OutlineWish wish;
  if (json::find_string(input, "snapshot") == "diff" || find_bool(input, "diff")) wish.kind = SnapshotKind::diff;
  wish.interest = find_bool(input, "interactive_only", true) ? Interest::interactive : Interest::all;
  wish.elements_max = static_cast<std::size_t>(std::max<std::int64_t>(find_integer(input, "max_elements"), 0));
  wish.chars_max = static_cast<std::size_t>(std::max<std::int64_t>(find_integer(input, "max_chars"), 0));
  return wish;
}

// A snapshot that was not wanted still says where the page is.
json::object no_outline(std::string_view url, std::string_view title) {
  json::object snapshot;
  snapshot["url"] = url;
  snapshot["title"] = title;
  snapshot["screenshot"] = nullptr;
  snapshot["elements"] = json::array{};
  snapshot["elements_text"] = "";
  snapshot["truncated"] = false;
  snapshot["diff"] = nullptr;
  snapshot["output_meta"] = nullptr;
  return snapshot;
}

Error not_opened(Error why) {
  if (why.code == Code::ended || why.code == Code::crashed) return why;
  if (why.code != Code::forbidden && why.code != Code::timeout) why.code = Code::failed;
  why.message = "Failed to open URL: " + why.message;
  return why;
}

}  // namespace

void Functions::settle_in(Files& files, std::string session_id) {
  files_ = &files;
  session_id_ = std::move(session_id);
  actions_.allow_uploads([this](json::array const& paths) { return lend_uploads(*files_, session_id_, paths); });
}

void Functions::show_cursor() {
  if (pointer_.shows_cursor()) return;
  pointer_.show_cursor();
  auto params = only("source", cursor_script());
  params["worldName"] = world_name;
  params["runImmediately"] = true;
  tab_.send(tab_.session(), "Page.addScriptToEvaluateOnNewDocument", params, tab_.now_us() + Wire::answer_us);
}

void Functions::begin_again(std::int64_t last_ref) {
  refs_.begin_after(last_ref);
  is_open_ = true;
}

Task<Result<>> Functions::come_back(std::string url, Point scroll, std::int64_t deadline_us) {
  CO_TRY(auto address, to_address(std::string_view(url)));
  has_visited_ = true;
  auto const left_ms = std::max<std::int64_t>((deadline_us - tab_.now_us()) / 1000, 1);
  CO_CHECK(co_await navigation_.go(std::move(address), std::min(Actions::navigation_ms, left_ms)));
  if (scroll.x == 0 && scroll.y == 0) co_return Result<>{};
  json::object where;
  where["left"] = scroll.x;
  where["top"] = scroll.y;
  where["behavior"] = "instant";
  auto const expression = only("expression", "scrollTo(" + json::to_text(where) + ")");
  co_await tab_.send(tab_.session(), "Runtime.evaluate", expression, deadline_us);
  co_return Result<>{};
}

Task<Result<json::object>> Functions::run(Function function, json::object input, std::int64_t deadline_us) {
  auto const left = deadline_us - tab_.now_us();
  auto const deadline = deadline_us - std::min(rouse_us, left / 2);
  if (function == Function::open) co_return co_await open(std::move(input), deadline);
  if (tab_.is_over()) co_return tab_.state().error();
  if (!is_open_) co_return error(Code::conflict, "Browser not started. Call 'open' first.");
  if (auto const state = tab_.state(); !state) co_return state.error();
  tab_.dialogs.take();
  tab_.aside.clear();
  if (function == Function::snapshot) co_return co_await snapshot(std::move(input), deadline);
  if (function == Function::interact) co_return co_await interact(std::move(input), deadline);
  if (function == Function::screenshot) co_return co_await screenshot(std::move(input), deadline);
  if (function == Function::execute) co_return co_await execute(std::move(input), deadline);
  co_return error(Code::internal, "a page does not close itself");
}

// Only what the client named this time changes.
Task<Result<>> Functions::refurnish(json::object const& input, std::int64_t deadline_us) {
  auto wish = furnishing_.wish();
  if (auto const width = find_integer(input, "width"); width > 0) wish.width = width;
  if (auto const height = find_integer(input, "height"); height > 0) wish.height = height;
  if (auto const agent = json::find_string(input, "user_agent"); !agent.empty()) wish.user_agent = agent;
  if (auto const locale = json::find_string(input, "locale"); !locale.empty()) wish.locale = locale;
  if (auto const zone = json::find_string(input, "time_zone"); !zone.empty()) wish.time_zone = zone;
  if (find_bool(input, "show_cursor")) wish.shows_cursor = true;
  bool const shows_cursor = wish.shows_cursor;
  CO_CHECK(co_await furnishing_.furnish(std::move(wish), deadline_us));
  if (shows_cursor) show_cursor();
  co_return Result<>{};
}

Task<Result<>> Functions::visit(json::object const& input, std::int64_t deadline_us) {
  CO_TRY(auto address, to_address(json::find_string(input, "url")));
  auto const left = std::max<std::int64_t>((deadline_us - tab_.now_us()) / 1000, 1);
  auto const wished = find_integer(input, "timeout_ms");
  // A page that hangs does not let go of itself.
  if (std::exchange(has_visited_, true)) co_await tab_.rouse();
  tab_.revive();
  CO_CHECK(co_await refurnish(input, deadline_us));
  auto const timeout_ms = std::min(wished > 0 ? wished : Actions::navigation_ms, left);
  co_return co_await navigation_.go(std::move(address), timeout_ms);
}

Task<json::object> Functions::name_page(std::int64_t deadline_us) {
  auto const title =
      co_await tab_.send(tab_.session(), "Runtime.evaluate", only("expression", "document.title"), deadline_us);
  auto const* const main = tab_.frames.main();
  co_return no_outline(main == nullptr ? std::string_view() : std::string_view(main->url),
                       title ? json::find_string(find_object(*title, "result"), "value") : std::string_view());
}

Task<Result<json::object>> Functions::open(json::object input, std::int64_t deadline_us) {
  if (tab_.is_over()) co_return tab_.state().error();
  tab_.dialogs.take();
  if (auto visited = co_await visit(input, deadline_us); !visited) co_return not_opened(std::move(visited).error());
  is_open_ = true;
  Look wish;
  if (find_bool(input, "screenshot", true)) wish.shot = Shot::viewport;
  if (json::find_string(input, "snapshot", "full") != "none") wish.outline = to_outline(input);
  bool const has_outline = wish.outline.has_value();
  CO_TRY(auto seen, co_await look(std::move(wish), deadline_us));
  if (!has_outline) seen.snapshot = co_await name_page(deadline_us);
  auto output = std::move(seen.snapshot.get_object());
  output["screenshot"] = std::move(seen.screenshot);
  output["dialogs"] = tab_.dialogs.take();
  co_return output;
}

Task<Result<NodeKey>> Functions::find_scope(std::string scope, std::int64_t deadline_us) {
  auto const known = refs_.find(scope);
  if (known) co_return known->key;
  if (known.error().code != Code::invalid) co_return error(Code::unprocessable, known.error().message);
  auto const* const main = tab_.frames.main();
  if (main == nullptr) co_return error(Code::failed, "there is no page");
  auto const id = main->id;
  auto found = co_await hands_.find_one(id, std::move(scope), deadline_us);
  hands_.let_go();
  if (!found && found.error().code == Code::not_found) co_return error(Code::unprocessable, found.error().message);
  co_return found;
}

Task<Result<json::object>> Functions::snapshot(json::object input, std::int64_t deadline_us) {
  Look wish;
  wish.outline = to_outline(input);
  if (find_bool(input, "screenshot")) wish.shot = Shot::viewport;
  if (auto const scope = std::string(json::find_string(input, "scope")); !scope.empty()) {
    CO_TRY(auto key, co_await find_scope(scope, deadline_us));
    wish.capture.scope = std::move(key);
  }
  CO_TRY(auto seen, co_await look(std::move(wish), deadline_us));
  auto output = std::move(seen.snapshot.get_object());
  output["screenshot"] = std::move(seen.screenshot);
  co_return output;
}

Task<Result<json::object>> Functions::interact(json::object input, std::int64_t deadline_us) {
  auto const action = std::string(json::find_string(input, "action"));
  auto const kind = std::string(json::find_string(input, "snapshot", "full"));
  // A page runs its tasks again only with the next frame after an input: half of what a click costs.
  tab_.is_looked_at = kind != "none" || find_bool(input, "screenshot", true);
  CO_TRY(auto outcome, co_await actions_.act(input, deadline_us));
  Look wish;
  if (kind != "none") wish.outline = to_outline(input);
  if (find_bool(input, "screenshot", true)) wish.shot = Shot::viewport;
  auto looked = co_await look(std::move(wish), deadline_us);
  // What was done is not to be done again because the page that it leads to takes long.
  if (!looked && !(looked.error().code == Code::timeout && tab_.is_leaving())) co_return looked.error();
  auto seen = looked ? *std::move(looked) : Seen();
  json::object output;
  output["success"] = outcome.message.empty();
  output["action"] = action;
  output["message"] = nullptr;
  auto const& words = outcome.message.empty() ? tab_.aside : outcome.message;
  if (!words.empty()) output["message"] = words;
  output["screenshot"] = std::move(seen.screenshot);
  output["snapshot"] = kind == "none" ? json::value(nullptr) : std::move(seen.snapshot);
  output["code"] = nullptr;
  if (!outcome.code.empty()) output["code"] = outcome.code;
  output["element"] = std::move(outcome.element);
  output["dialogs"] = tab_.dialogs.take();
  output["output_meta"] = nullptr;
  co_return output;
}

Task<Result<json::object>> Functions::screenshot(json::object input, std::int64_t deadline_us) {
  auto const extent = find_bool(input, "full_page") ? Extent::whole_page : Extent::viewport;
  auto const kind = json::find_string(input, "format") == "jpeg" ? Picture::jpeg : Picture::png;
  CO_TRY(auto file, co_await picture(extent, kind, std::min(deadline_us, tab_.now_us() + picture_us)));
  json::object output;
  output["screenshot"] = std::move(file);
  output["width"] = tab_.width;
  output["height"] = tab_.height;
  output["output_meta"] = nullptr;
  co_return output;
}

Task<Result<json::object>> Functions::execute(json::object input, std::int64_t deadline_us) {
  auto const wished = find_integer(input, "timeout_ms");
  auto const left = std::max<std::int64_t>((deadline_us - tab_.now_us()) / 1000, 1);
  auto const before = settling_.before();
  auto code = std::string(json::find_string(input, "code"));
  CO_TRY(auto done, co_await sojourn::execute(tab_, std::move(code), std::min(wished > 0 ? wished : execute_ms, left)));
  if (done.is_late && !co_await tab_.rouse()) co_return tab_.state().error();
  auto const main = tab_.frames.main() == nullptr ? std::string() : tab_.frames.main()->id;
  // What it did to the document is not watched: it is there when the script is done.
  auto const settled = co_await settling_.settle(before, main, Impact{}, deadline_us);
  if (!settled && settled.error().code != Code::timeout) co_return settled.error();
  Look wish;
  if (find_bool(input, "screenshot", true)) wish.shot = Shot::viewport;
  CO_TRY(auto seen, co_await look(std::move(wish), deadline_us));
  json::object output;
  output["result"] = nullptr;
  if (done.result) output["result"] = std::move(*done.result);
  output["error"] = nullptr;
  if (done.error) output["error"] = std::move(*done.error);
  output["screenshot"] = std::move(seen.screenshot);
  output["dialogs"] = tab_.dialogs.take();
  output["output_meta"] = nullptr;
  co_return output;
}

Task<Result<json::object>> Functions::outline_now(OutlineWish wish, CaptureWish capture, std::int64_t deadline_us) {
  auto again = capture;
  auto captured = co_await view_.capture(std::move(capture), deadline_us);
  if (!captured && captured.error().code == Code::timeout) {
    bool const is_alive = co_await tab_.rouse();
    if (is_alive) captured = co_await view_.capture(std::move(again), deadline_us);
  }
  if (!captured && captured.error().code == Code::timeout)
    co_return tab_.judge(error(Code::timeout, "the page does not answer; open a URL to go on"));
  if (!captured) co_return captured.error();
  if (!captured->has_scope) co_return error(Code::unprocessable, "the scope is not in the page any more");
  refs_.number(*captured);
  co_return outline(*captured, wish, shown_);
}

// The picture is asked for first: it takes the browser longest.
Task<Result<Functions::Seen>> Functions::look(Look look, std::int64_t deadline_us) {
  Seen seen;
  Later<Result<json::value>> taken;
  bool const has_shot = look.shot == Shot::viewport;
  if (has_shot) {
    std::function<void(Result<json::value>)> on_taken = [taken](Result<json::value> file) {
      taken.give(std::move(file));
    };
    start(picture(Extent::viewport, Picture::png, std::min(deadline_us, tab_.now_us() + picture_us)),
          std::move(on_taken));
  }
  Result<json::object> outlined = json::object{};
  if (look.outline) look.capture.interest = look.outline->interest;
  if (look.outline) outlined = co_await outline_now(*look.outline, std::move(look.capture), deadline_us);
  if (has_shot) {
    auto file = co_await taken;
    // What was done is done: that there is no picture of it is not its failure.
    if (file) seen.screenshot = std::move(*file);
    if (auto const state = tab_.state(); !state) co_return state.error();
  }
  if (!outlined) co_return outlined.error();
  if (look.outline) seen.snapshot = std::move(*outlined);
  co_return seen;
}

Task<Result<json::value>> Functions::picture(Extent extent, Picture kind, std::int64_t deadline_us) {
  if (pointer_.shows_cursor() && tab_.frames.main() != nullptr) {
    co_await hands_.use_in(tab_.frames.main()->id, "disarm", {}, deadline_us);  // there is a world now
    pointer_.redraw();
  }
  CO_TRY(auto const bytes, co_await view_.picture(extent, kind, deadline_us));
  if (files_ == nullptr) co_return error(Code::internal, "the page belongs to no session");
  bool const is_png = kind == Picture::png;
  auto file = files_->save(session_id_, "screenshot", bytes, is_png ? "image/png" : "image/jpeg");
  if (!file) co_return file.error();
  co_return json::value(std::move(*file));
}

}  // namespace sojourn
