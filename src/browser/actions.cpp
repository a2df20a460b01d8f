#include "browser/actions.h"

#include <algorithm>
#include <array>
#include <utility>

#include "browser/keys.h"
#include "browser/outline.h"
#include "browser/params.h"

namespace sojourn {
namespace {

enum class Place : std::uint8_t { page, element };

struct Row {
  std::string_view action;
  Place place;
  std::string_view needs;       // a member of the input, which is a text; empty = none
  std::string_view needs_text;  // what to say when it is missing
};

constexpr std::array rows{
    Row{"click", Place::element, "ref", "'ref' required for click action"},
    Row{"dblclick", Place::element, "ref", "'ref' required for dblclick action"},
    Row{"fill", Place::element, "text", "'text' required for fill action"},
    Row{"type", Place::page, "text", "'text' required for type action"},
    Row{"press", Place::page, "text", "'text' required for press action (e.g., 'Enter')"},
    Row{"select", Place::element, "text", "'text' required for select action"},
    Row{"hover", Place::element, "ref", "'ref' required for hover action"},
    Row{"check", Place::element, "ref", "'ref' required for check action"},
    Row{"uncheck", Place::element, "ref", "'ref' required for uncheck action"},
    Row{"drag", Place::element, "target_ref", "'target_ref' required for drag action"},
    Row{"upload", Place::element, "file_paths", "'file_paths' required for upload action"},
    Row{"scroll", Place::page, "", ""},
    Row{"back", Place::page, "", ""},
    Row{"wait", Place::page, "", ""},
    Row{"goto", Place::page, "url", "'url' required for goto action"},
};

// Empty texts count where one may fill in nothing.
bool has(json::object const& input, std::string_view name) {
  auto const* const value = input.if_contains(name);
  if (value == nullptr || value->is_null()) return false;
  if (value->is_array()) return !value->get_array().empty();
  return value->is_string() && (name == "text" || !value->get_string().empty());
}

Row const* find_row(std::string_view action) {
  auto const* const row = std::ranges::find(rows, action, &Row::action);
  return row == rows.end() ? nullptr : row;
}

std::string to_word(Code code) {
  switch (code) {
    case Code::forbidden:
      return "blocked";
    case Code::unprocessable:
      return "not_actionable";
    default:
      return std::string(row(code).word);
  }
}

// Whether a page's words are the name that was seen, as far as spaces, capitals and cutting allow to say.
bool is_called(std::string_view name, std::string_view words) {
  static constexpr std::size_t compared_bytes = 150;
  auto const strip = [](std::string_view text) {
    std::string letters;
    for (auto const c : text)
      if (static_cast<unsigned char>(c) > ' ') letters += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    letters.resize(std::min(letters.size(), compared_bytes));
    return letters;
  };
  return strip(name) == strip(words);
}

}  // namespace

Result<Actions::Deed> Actions::read(json::object const& input, std::int64_t deadline_us) const {
  Deed deed;
  deed.action = std::string(json::find_string(input, "action"));
  auto const* const known = find_row(deed.action);
  if (known == nullptr) return error(Code::invalid, "Unknown action: " + deed.action);
  if (!known->needs.empty() && !has(input, known->needs)) return error(Code::invalid, std::string(known->needs_text));
  if (known->place == Place::element && !has(input, "ref"))
    return error(Code::invalid, "'ref' required for " + deed.action + " action");
  deed.text = std::string(json::find_string(input, "text"));
  bool const navigates = deed.action == "goto" || deed.action == "back";
  auto const otherwise = navigates ? navigation_ms : timeout_ms;
  auto const left = std::max<std::int64_t>((deadline_us - tab_.now_us()) / 1000, 1);
  auto const wished = find_integer(input, "timeout_ms");
  deed.timeout_ms = std::min(wished > 0 ? wished : otherwise, left);
  deed.deadline_us = deadline_us;
  return deed;
}

Task<Result<Outcome>> Actions::fail(Error why, std::int64_t after_ms) {
  // What took too long may be the page itself, which then is in nobody's way any more.
  if (why.code == Code::timeout && !co_await tab_.rouse()) co_return tab_.state().error();
  if (auto const state = tab_.state(); !state) co_return state.error();
  if (why.code == Code::timeout && !why.message.starts_with("Timeout "))
    why = too_late(after_ms, "the page does not answer");
  Outcome outcome;
  outcome.message = why.message.empty() ? "the action failed" : std::move(why.message);
  outcome.code = to_word(why.code);
  co_return outcome;
}

Task<Result<Outcome>> Actions::act(json::object input, std::int64_t deadline_us) {
  auto deed = read(input, deadline_us);
  if (!deed) co_return co_await fail(std::move(deed).error(), 0);
  auto const* const known = find_row(deed->action);
  bool const is_on_element = known->place == Place::element || (deed->action == "scroll" && has(input, "ref"));
  if (is_on_element) co_return co_await on_element(std::move(*deed), input);
  co_return co_await on_page(std::move(*deed), input);
}

Task<Result<Outcome>> Actions::on_page(Deed deed, json::object const& input) {
  auto const before = settling_.before();
  Outcome outcome;
  if (deed.action == "goto" || deed.action == "back") {
    if (auto went = co_await go(deed, input); !went) co_return co_await fail(std::move(went).error(), deed.timeout_ms);
    co_return outcome;
  }
  if (deed.action == "wait") {
    auto const ms = std::clamp<std::int64_t>(find_integer(input, "wait_ms", 1000), 0, wait_ms_max);
    if (!co_await tab_.sleep_until(std::min(tab_.now_us() + ms * 1000, deed.deadline_us)))
      co_return tab_.state().error();
    co_return outcome;
  }
  if (deed.action == "scroll") {
    if (auto done = co_await scroll_page(&deed, input); !done)
      co_return co_await fail(std::move(done).error(), deed.timeout_ms);
  } else {
    auto struck = co_await strike(deed);
    if (!struck) co_return co_await fail(std::move(struck).error(), deed.timeout_ms);
    deed.impact = *struck;
  }
  auto const main = tab_.frames.main() == nullptr ? std::string() : tab_.frames.main()->id;
  auto settled = co_await settling_.settle(before, main, deed.impact, deed.deadline_us);
  if (!settled) co_return co_await fail(std::move(settled).error(), deed.timeout_ms);
  co_return outcome;
}

Task<Result<Impact>> Actions::strike(Deed const& deed) {
  if (deed.action == "type") co_return co_await fields_.strike(type_text(deed.text), deed.timeout_ms);
  auto keys = press_keys(deed.text);
  if (!keys) co_return keys.error();
  co_return co_await fields_.strike(std::move(*keys), deed.timeout_ms);
}

Task<Result<>> Actions::go(Deed const& deed, json::object const& input) {
  if (deed.action == "goto") {
    CO_TRY(auto address, to_address(json::find_string(input, "url")));
    co_return co_await navigation_.go(std::move(address), deed.timeout_ms);
  }
  CO_TRY(auto const went, co_await navigation_.back(deed.timeout_ms));
  if (!went) co_return error(Code::failed, "There is no page to go back to.");
  co_return Result<>{};
}

Task<Result<>> Actions::scroll_page(Deed* deed, json::object const& input) {
  auto const direction = json::find_string(input, "direction", "down");
  auto const amount =
      static_cast<double>(std::clamp<std::int64_t>(find_integer(input, "scroll_amount", 400), 0, 1'000'000));
  double dx = 0;
  double dy = 0;
  if (direction == "down") dy = amount;
  if (direction == "up") dy = -amount;
  if (direction == "right") dx = amount;
  if (direction == "left") dx = -amount;
  auto const* const main = tab_.frames.main();
  if (main == nullptr) co_return error(Code::failed, "there is no page");
  auto const id = main->id;
  auto const deadline = tab_.now_us() + deed->timeout_ms * 1000;
  json::array way;
  way.emplace_back(dx);
  way.emplace_back(dy);
  auto const scrolled = co_await hands_.use_in(id, "scroll", std::move(way), deadline);
  if (!scrolled) co_return scrolled.error();
  auto const done = co_await hands_.use_in(id, "finish", {}, deadline);
  if (done) deed->impact.more = find_number(*done, "more");
  co_return Result<>{};
}

Task<Result<Actions::Held>> Actions::hold(std::string ref, std::int64_t deadline_us) {
  CO_TRY(auto const known, refs_.find(ref));
  Held held;
  held.element.ref = known.ref;
  held.element.tag = known.tag;
  held.element.role = known.role;
  held.element.name = known.name;
  auto grip = co_await hands_.hold(known.key, deadline_us);
  if (!grip && grip.error().code == Code::stale_ref) co_return co_await hold_again(known.ref, deadline_us);
  if (!grip) co_return grip.error();
  held.grip = std::move(*grip);
  auto const told = co_await hands_.use(held.grip, "words", {}, deadline_us);
  if (!told && told.error().code == Code::stale_ref) co_return co_await hold_again(known.ref, deadline_us);
  if (!told) co_return told.error();
  CO_CHECK(co_await recognize(&held, std::string(json::find_string(*told, "words")), deadline_us));
  co_return held;
}

Task<Result<>> Actions::recognize(Held* held, std::string words, std::int64_t deadline_us) {
  auto& element = held->element;
  if (element.name.empty() || words.empty() || is_called(element.name, words)) co_return Result<>{};
  // Only a look at the whole page tells for certain.
  CaptureWish wish;
  wish.interest = Interest::all;
  CO_TRY(auto const capture, co_await view_.capture(std::move(wish), deadline_us));
  auto const now = refs_.recognize(element.ref, capture);
  if (now && (*now == nullptr || (*now)->name == element.name)) co_return Result<>{};
  // It may have been renamed by what was done to it, or the client has been told of it.
  bool const is_known = std::exchange(refused_, 0) == element.ref || touched_ == element.ref;
  if (!now && !is_known) {
    refused_ = element.ref;
    co_return now.error();
  }
  held->was = std::move(element.name);
  element.name = now ? (*now)->name : std::move(words);
  co_return Result<>{};
}

Task<Result<Actions::Held>> Actions::hold_again(std::int64_t ref, std::int64_t deadline_us) {
  CaptureWish wish;
  wish.interest = Interest::all;
  CO_TRY(auto const capture, co_await view_.capture(std::move(wish), deadline_us));
  CO_TRY(auto const* const element, refs_.recover(ref, capture));
  Held held;
  held.element = *element;
  held.element.ref = ref;
  CO_TRY(held.grip, co_await hands_.hold(capture.key(*element), deadline_us));
  co_return held;
}

Task<Result<Impact>> Actions::apply(Deed deed, Grip grip) {
  auto const& action = deed.action;
  auto const ms = deed.timeout_ms;
  if (action == "click") co_return co_await pointer_.click(std::move(grip), 1, ms);
  if (action == "dblclick") co_return co_await pointer_.click(std::move(grip), 2, ms);
  if (action == "hover") co_return co_await pointer_.hover(std::move(grip), ms);
  if (action == "drag") co_return co_await pointer_.drag(std::move(grip), std::move(deed.target), ms);
  if (action == "fill") co_return co_await fields_.fill(std::move(grip), std::move(deed.text), ms);
  if (action == "select") co_return co_await fields_.select(std::move(grip), std::move(deed.text), ms);
  if (action == "check") co_return co_await fields_.tick(std::move(grip), Tick::on, ms);
  if (action == "uncheck") co_return co_await fields_.tick(std::move(grip), Tick::off, ms);
  if (action == "upload") co_return co_await fields_.upload(std::move(grip), std::move(deed.files), ms);
  co_return co_await fields_.show(std::move(grip), ms);
}

Task<Result<Outcome>> Actions::on_element(Deed deed, json::object const& input) {
  if (deed.action == "upload") {
    if (!lend_) co_return co_await fail(error(Code::unprocessable, "this session has no files"), deed.timeout_ms);
    auto lent = lend_(find_array(input, "file_paths"));
    if (!lent) co_return co_await fail(std::move(lent).error(), deed.timeout_ms);
    deed.files = std::move(*lent);
  }
  auto const before = settling_.before();
  auto const until = std::min(deed.deadline_us, tab_.now_us() + deed.timeout_ms * 1000);
  auto held = co_await hold(std::string(json::find_string(input, "ref")), until);
  if (!held) co_return co_await fail(std::move(held).error(), deed.timeout_ms);
  if (deed.action == "drag") {
    auto target = co_await hold(std::string(json::find_string(input, "target_ref")), until);
    if (!target) co_return co_await fail(std::move(target).error(), deed.timeout_ms);
    deed.target = std::move(target->grip);
  }
  auto impact = co_await apply(deed, held->grip);
  if (!impact && impact.error().code == Code::stale_ref) {
    // It went away before anything was done to it.
    held = co_await hold_again(held->element.ref, deed.deadline_us);
    if (!held) co_return co_await fail(std::move(held).error(), deed.timeout_ms);
    impact = co_await apply(deed, held->grip);
  }
  if (!impact) {
    hands_.let_go();
    co_return co_await fail(std::move(impact).error(), deed.timeout_ms);
  }
  held->element.box = impact->box;
  auto settled = co_await settling_.settle(before, held->grip.key.frame_id, *impact, deed.deadline_us);
  hands_.let_go();
  if (!settled) co_return co_await fail(std::move(settled).error(), deed.timeout_ms);
  touched_ = held->element.ref;
  Outcome outcome;
  auto element = brief(held->element);
  element["was"] = held->was.empty() ? json::value(nullptr) : json::value(std::string_view(held->was));
  outcome.element = std::move(element);
  co_return outcome;
}

}  // namespace sojourn
