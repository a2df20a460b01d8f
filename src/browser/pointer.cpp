#include "browser/pointer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "browser/cursor.h"
#include "browser/params.h"

namespace sojourn {
namespace {

constexpr std::int64_t steady_ms_max = 1000;
constexpr std::int64_t answer_ms = 50;  // that a page needs to say why not, before the time is over
constexpr std::int64_t drag_us_max = 1'000'000;

// How long to wait before another try, as pages get ready.
std::int64_t pause_us(int attempt) {
  constexpr std::array<std::int64_t, 4> pauses{10'000, 20'000, 50'000, 100'000};
  return pauses[std::min<std::size_t>(static_cast<std::size_t>(attempt), pauses.size() - 1)];
}

Point read_point(json::object const& o) { return {find_number(o, "x"), find_number(o, "y")}; }

}  // namespace

Box read_box(json::object const& o) {
  return {find_number(o, "x"), find_number(o, "y"), find_number(o, "width"), find_number(o, "height")};
}

Error too_late(std::int64_t timeout_ms, std::string const& why) {
  auto text = "Timeout " + std::to_string(timeout_ms) + "ms exceeded";
  return error(Code::timeout, why.empty() ? text : text + ": " + why);
}

Task<Result<Pointer::Aim>> Pointer::aim(Grip grip, Shot shot) {
  json::object wants;
  wants["enabled"] = shot.needs_enabled;
  wants["attempt"] = shot.attempt;
  wants["bring"] = shot.attempt > 0;
  auto const left_ms = (shot.deadline_us - hands_.tab().now_us()) / 1000 - answer_ms;
  wants["steadyMs"] = std::clamp<std::int64_t>(left_ms, 0, steady_ms_max);
  auto const frame_id = grip.key.frame_id;
  if (shot.guard != Guard::none) wants["guard"] = shot.guard == Guard::click ? "click" : "hover";
  json::array more;
  more.push_back(std::move(wants));
  CO_TRY(auto const ready, co_await hands_.use(std::move(grip), "ready", std::move(more), shot.deadline_us));
  Aim aim;
  aim.obstacle = std::string(json::find_string(ready, "why"));
  aim.point = read_point(find_object(ready, "point"));
  aim.box = read_box(find_object(ready, "box"));
  if (!aim.obstacle.empty()) co_return aim;
  CO_CHECK(co_await lead_out(frame_id, &aim, shot));
  co_return aim;
}

Task<Result<>> Pointer::lead_out(std::string frame_id, Aim* aim, Shot shot) {
  for (int depth = 0; depth < 50; ++depth) {
    auto const* const frame = hands_.tab().frames.find(frame_id);
    if (frame == nullptr) co_return error(Code::stale_ref, "the element's frame is not in the page any more");
    if (frame->parent_id.empty()) co_return Result<>{};
    CO_TRY(auto key, co_await hands_.owner_of(frame_id, shot.deadline_us));
    auto const parent = key.frame_id;
    CO_TRY(auto owner, co_await hands_.hold(std::move(key), shot.deadline_us));
    json::object point;
    point["x"] = aim->point.x;
    point["y"] = aim->point.y;
    json::array more;
    more.push_back(std::move(point));
    if (shot.guard == Guard::none)
      more.emplace_back(nullptr);
    else
      more.emplace_back(shot.guard == Guard::click ? "click" : "hover");
    CO_TRY(auto const out, co_await hands_.use(std::move(owner), "through", std::move(more), shot.deadline_us));
    aim->frames.push_back(parent);
    aim->obstacle = std::string(json::find_string(out, "why"));
    if (!aim->obstacle.empty()) co_return Result<>{};
    auto const offset = read_point(find_object(out, "offset"));
    auto const scale = read_point(find_object(out, "scale"));
    aim->point = read_point(find_object(out, "point"));
    aim->box = {offset.x + aim->box.x * scale.x, offset.y + aim->box.y * scale.y, aim->box.width * scale.x,
                aim->box.height * scale.y};
    frame_id = parent;
  }
  co_return error(Code::failed, "the element is in too many frames");
}

Task<Result<Box>> Pointer::place(Grip grip, Box inner, std::int64_t deadline_us) {
  Aim aim;
  aim.box = inner;
  Shot shot;
  shot.deadline_us = deadline_us;
  CO_CHECK(co_await lead_out(std::move(grip.key.frame_id), &aim, shot));
  co_return aim.box;
}

Task<Result<Pointer::Aim>> Pointer::aim_until(Grip grip, Shot* shot) {
  std::string why;
  for (;; ++shot->attempt) {
    auto aim = co_await this->aim(grip, *shot);
    if (!aim && aim.error().code == Code::timeout && !why.empty()) co_return too_late(shot->timeout_ms, why);
    if (!aim || aim->obstacle.empty()) co_return aim;
    for (auto& frame : aim->frames) co_await hands_.use_in(std::move(frame), "disarm", {}, shot->deadline_us);
    co_await hands_.use_in(grip.key.frame_id, "disarm", {}, shot->deadline_us);
    why = std::move(aim->obstacle);
    CO_CHECK(co_await pause(*shot, why));
  }
}

Task<Result<>> Pointer::pause(Shot shot, std::string why) {
  auto const next = hands_.tab().now_us() + pause_us(shot.attempt);
  if (next >= shot.deadline_us) co_return too_late(shot.timeout_ms, why);
  if (!co_await hands_.tab().sleep_until(next)) co_return hands_.tab().state().error();
  co_return Result<>{};
}

json::object Pointer::mouse(std::string_view type, Point point) const {
  json::object params;
  params["type"] = type;
  params["x"] = point.x;
  params["y"] = point.y;
  return params;
}

Task<Result<>> Pointer::move_to(Point point, std::int64_t deadline_us) {
  auto& tab = hands_.tab();
  last_ = point;
  redraw();
  auto const moved =
      co_await tab.send(tab.session(), "Input.dispatchMouseEvent", mouse("mouseMoved", point), deadline_us);
  if (!moved) co_return moved.error();
  co_return Result<>{};
}

void Pointer::redraw() {
  auto const* const main = hands_.tab().frames.main();
  if (shows_cursor_ && main != nullptr) hands_.whisper(main->id, cursor_move(last_.x, last_.y));
}

// All are sent at once: the page gets them in that order.
Task<Result<>> Pointer::press(Point point, int count, std::int64_t deadline_us) {
  auto& tab = hands_.tab();
  last_ = point;
  redraw();
  std::vector<Later<Tab::Answer>> answers;
  answers.push_back(tab.send(tab.session(), "Input.dispatchMouseEvent", mouse("mouseMoved", point), deadline_us));
  for (int click = 1; click <= count; ++click)
    for (auto const* const type : {"mousePressed", "mouseReleased"}) {
      auto params = mouse(type, point);
      params["button"] = "left";
      params["buttons"] = type == std::string_view("mousePressed") ? 1 : 0;
      params["clickCount"] = click;
      answers.push_back(tab.send(tab.session(), "Input.dispatchMouseEvent", params, deadline_us));
    }
  for (auto const& later : answers) {
    auto const answer = co_await later;
    if (!answer) co_return answer.error();
  }
  co_return Result<>{};
}

Task<Result<std::string>> Pointer::check(Grip grip, Aim aim, Impact* impact, std::int64_t deadline_us) {
  impact->box = aim.box;
  json::array const looked_at{hands_.tab().is_looked_at};
  auto arguments = looked_at;
  auto const own = co_await hands_.use(std::move(grip), "finish", std::move(arguments), deadline_us);
  if (!own && own.error().code != Code::stale_ref) co_return own.error();
  impact->is_known = own.has_value();
  std::string by;
  if (own) {
    impact->changes = find_number(*own, "changes");
    impact->more = find_number(*own, "more");
    auto const* const hit = own->if_contains("hit");
    if (hit != nullptr && hit->is_bool() && !hit->get_bool())
      by = "the element is covered by " + std::string(json::find_string(*own, "by"));
    // Not to be done once more: half of it was.
    if (!by.empty() && find_number(*own, "presses") > 0)
      co_return error(Code::unprocessable, "only the first click reached the element, which it changed: " + by);
  }
  for (auto& frame : aim.frames) {
    auto wish = looked_at;
    auto const outer = co_await hands_.use_in(std::move(frame), "finish", std::move(wish), deadline_us);
    if (outer && outer->contains("hit") && outer->at("hit").is_bool())
      by = "the element's frame is covered by " + std::string(json::find_string(*outer, "by"));
  }
  co_return by;
}

Pointer::Shot Pointer::shot(Guard guard, std::int64_t timeout_ms) const {
  Shot shot;
  shot.guard = guard;
  shot.timeout_ms = timeout_ms;
  shot.deadline_us = hands_.tab().now_us() + timeout_ms * 1000;
  shot.needs_enabled = guard == Guard::click;
  return shot;
}

Task<Result<Impact>> Pointer::click(Grip grip, int count, std::int64_t timeout_ms) {
  auto shot = this->shot(Guard::click, timeout_ms);
  for (;; ++shot.attempt) {
    CO_TRY(auto aim, co_await aim_until(grip, &shot));
    CO_CHECK(co_await press(aim.point, count, shot.deadline_us));
    Impact impact;
    CO_TRY(auto why, co_await check(grip, std::move(aim), &impact, shot.deadline_us));
    if (why.empty()) co_return impact;
    CO_CHECK(co_await pause(shot, std::move(why)));
  }
}

Task<Result<Impact>> Pointer::hover(Grip grip, std::int64_t timeout_ms) {
  auto shot = this->shot(Guard::hover, timeout_ms);
  for (;; ++shot.attempt) {
    CO_TRY(auto aim, co_await aim_until(grip, &shot));
    CO_CHECK(co_await move_to(aim.point, shot.deadline_us));
    Impact impact;
    CO_TRY(auto why, co_await check(grip, std::move(aim), &impact, shot.deadline_us));
    if (why.empty()) co_return impact;
    CO_CHECK(co_await pause(shot, std::move(why)));
  }
}

Task<Result<Impact>> Pointer::drag(Grip from, Grip to, std::int64_t timeout_ms) {
  auto& tab = hands_.tab();
  auto shot = this->shot(Guard::click, timeout_ms);
  // Nothing is pressed before there is a place to release it.
  auto end = this->shot(Guard::none, timeout_ms);
  CO_CHECK(co_await aim_until(to, &end));
  CO_TRY(auto aim, co_await aim_until(from, &shot));
  Load load;
  load.frame_id = from.key.frame_id;
  tab.listen("Input.dragIntercepted", [&load](json::object const& params) { load.data = find_object(params, "data"); });
  tab.send(tab.session(), "Input.setInterceptDrags", only("enabled", true), shot.deadline_us);
  co_await hands_.use_in(load.frame_id, "watchDrag", {}, shot.deadline_us);
  auto const carried = co_await carry(aim.point, std::move(to), shot, &load);
  tab.listen("Input.dragIntercepted", {});
  tab.send(tab.session(), "Input.setInterceptDrags", only("enabled", false), tab.now_us() + Wire::answer_us);
  if (!carried) co_return carried.error();
  Impact impact;
  CO_TRY(auto const why, co_await check(std::move(from), std::move(aim), &impact, shot.deadline_us));
  if (!why.empty()) co_return too_late(timeout_ms, why);
  co_return impact;
}

Task<Result<>> Pointer::carry(Point from, Grip to, Shot shot, Load* load) {
  auto& tab = hands_.tab();
  auto const held = [&](std::string_view type, Point point, int buttons) {
    auto params = mouse(type, point);
    params["button"] = "left";
    params["buttons"] = buttons;
    params["clickCount"] = 1;
    return tab.send(tab.session(), "Input.dispatchMouseEvent", params, shot.deadline_us);
  };
  CO_CHECK(co_await move_to(from, shot.deadline_us));
  if (auto const down = co_await held("mousePressed", from, 1); !down) co_return down.error();
  Shot target = this->shot(Guard::none, (shot.deadline_us - tab.now_us()) / 1000);
  target.timeout_ms = shot.timeout_ms;
  auto const aim = co_await aim_until(std::move(to), &target);
  auto const end = aim ? aim->point : from;
  Point const middle{(from.x + end.x) / 2, (from.y + end.y) / 2};
  for (auto const& point : {Point{from.x + 3, from.y + 3}, middle, end, end}) held("mouseMoved", point, 1);
  last_ = end;
  redraw();
  // Whether a drag began is known once the moves were handled; what it carries comes a moment later.
  co_await held("mouseMoved", end, 1);
  auto const watched = co_await hands_.use_in(load->frame_id, "dragged", {}, shot.deadline_us);
  if (watched && find_bool(*watched, "started")) {
    Tab::Condition has_data = [load] { return !load->data.empty(); };
    co_await tab.wait_until(std::move(has_data), tab.now_us() + drag_us_max);
  }
  if (!load->data.empty() && aim)
    for (auto const* const type : {"dragEnter", "dragOver", "drop"}) {
      auto params = mouse(type, end);
      params["data"] = load->data;
      auto const done = co_await tab.send(tab.session(), "Input.dispatchDragEvent", params, shot.deadline_us);
      if (!done) co_return done.error();
    }
  else {
    // What is released where it was pressed would be a click.
    if (!aim) co_await hands_.use_in(load->frame_id, "refuse", {}, shot.deadline_us);
    if (auto const up = co_await held("mouseReleased", end, 0); !up) co_return up.error();
  }
  if (!aim) co_return aim.error();
  co_return Result<>{};
}

}  // namespace sojourn
