#include "browser/fleet.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace sojourn {

struct Fleet::Ship {
  std::unique_ptr<Chromium> chromium;
  bool is_sunk = false;  // its process is gone; the rest stays for the pages that still know it
  bool is_full = false;
  bool is_alone = false;
  std::size_t live = 0;    // contexts that are taken or being made
  std::size_t served = 0;  // contexts that ever were
  std::size_t warming = 0;
  std::deque<Berth> warm;
  std::deque<Later<Result<Berth>>> hopeful;                         // take what is being warmed
  Later<std::string> end;                                           // why it went, if it was by itself
  std::map<std::string, std::function<void(std::string)>> on_gone;  // by context
  TimerId rest_timer = 0;
  TimerId beat_timer = 0;
};

namespace {

Error gone(std::string const& reason) { return error(Code::crashed, "the browser ended: " + reason); }

// What only a context of its own can have.
bool is_plain(BrowserWish const& wish) { return wish.proxy_url.empty(); }

json::object context_params(BrowserWish const& wish, std::vector<int> const& own_ports) {
  json::object params;
  params["disposeOnDetach"] = true;
  if (wish.proxy_url.empty()) return params;
  params["proxyServer"] = wish.proxy_url;
  // Chromium would leave out what is on this machine. Our own ports are left out of it: the browser reaches them at no
  // address, which a proxy on this machine would.
  std::string beside = "<-loopback>";
  for (auto const port : own_ports) beside += ";*:" + std::to_string(port);
  params["proxyBypassList"] = beside;
  return params;
}

json::object target_params(std::string const& context_id, BrowserWish const& wish) {
  json::object params;
  params["url"] = "about:blank";
  params["browserContextId"] = context_id;
  params["width"] = wish.width;
  params["height"] = wish.height;
  if (wish.is_full) params["newWindow"] = true;  // a fresh context has no window to put a tab into
  return params;
}

constexpr std::int64_t farewell_us = 1'000'000;

std::string text_of(json::object const& answer, std::string_view name) {
  return std::string(json::find_string(answer, name));
}

}  // namespace

Fleet::Fleet(Loop& loop, Timers& timers, BrowserSettings const& settings)
    : loop_(loop), timers_(timers), settings_(settings) {}

Fleet::~Fleet() {
  timers_.cancel(pause_timer_);
  while (!ships_.empty()) {
    auto const ship = ships_.front();
    ship->on_gone.clear();
    sink(ship, "the server ends");
    ship->chromium.reset();  // no later iteration would see it go
  }
}

Chromium& Fleet::browser_of(Berth const& berth) { return *berth.ship->chromium; }

Task<Result<Fleet::Berth>> Fleet::take(BrowserWish wish, std::function<void(std::string)> on_gone) {
  auto ship = find(wish);
  if (!ship) {
    auto launched = launch(wish);
    if (!launched) co_return launched.error();
    ship = *std::move(launched);
  }
  timers_.cancel(std::exchange(ship->rest_timer, 0));
  ++ship->live;
  ++ship->served;
  Berth berth;
  if (is_plain(wish) && !ship->warm.empty()) {
    berth = std::move(ship->warm.front());
    ship->warm.pop_front();
  } else {
    auto made = co_await make_or_wait(ship, std::move(wish));
    if (!made) {
      --ship->live;
      rest(ship);
      if (made.error().code != Code::crashed) co_return made.error();
      // What it said last tells more than that it is gone.
      auto const reason = co_await ship->end;
      co_return error(Code::unavailable, reason);
    }
    berth = *std::move(made);
  }
  if (ship->is_sunk) co_return gone("it crashed");
  berth.ship = ship;
  ship->on_gone[berth.context_id] = std::move(on_gone);
  timers_.cancel(pause_timer_);
  pause_timer_ = timers_.set(Clock().now().steady_us + pause_us, [this] { use_pause(); });
  co_return berth;
}

Task<Result<Fleet::Berth>> Fleet::renew(Berth berth, BrowserWish wish) {
  auto const ship = berth.ship;
  if (ship->is_sunk) co_return gone("it crashed");
  berth.page->give_up();
  json::object params;
  params["targetId"] = berth.page->address().target_id;
  ship->chromium->wire().send({}, "Target.closeTarget", params);
  auto renewed = co_await board(ship, berth.context_id, std::move(wish));
  co_return renewed;
}

void Fleet::give_back(Berth berth) {
  auto const ship = berth.ship;
  if (ship->is_sunk) return;
  ship->on_gone.erase(berth.context_id);
  --ship->live;
  json::object params;
  params["browserContextId"] = berth.context_id;
  ship->chromium->wire().send({}, "Target.disposeBrowserContext", params);
  ship->chromium->wire().forget(berth.page->cdp_session());
  rest(ship);
}

void Fleet::use_pause() {
  timers_.cancel(std::exchange(pause_timer_, 0));
  for (auto const& ship : ships_) warm_up(ship);
}

std::shared_ptr<Fleet::Ship> Fleet::find(BrowserWish const& wish) const {
  if (wish.is_alone) return {};
  auto const fits = [&](std::shared_ptr<Ship> const& ship) {
    return !ship->is_alone && ship->is_full == wish.is_full && ship->served < served_max;
  };
  auto const place = std::ranges::find_if(ships_, fits);
  return place == ships_.end() ? nullptr : *place;
}

Result<std::shared_ptr<Fleet::Ship>> Fleet::launch(BrowserWish const& wish) {
  auto const found = find_executables(settings_.executable);
  auto const& executable = wish.is_full || found.shell.empty() ? found.full : found.shell;
  if (executable.empty() && wish.is_full && !found.shell.empty())
    return error(Code::unavailable,
                 "only the headless shell is installed here; install the whole browser: apt install chromium");
  if (executable.empty()) return no_browser();
  auto ship = std::make_shared<Ship>();
  ship->is_full = wish.is_full;
  ship->is_alone = wish.is_alone;
  ChromiumSetup setup;
  setup.executable = executable;
  setup.is_shell = executable == found.shell && !wish.is_full;
  setup.profile_root_key = settings_.profile_key;
  setup.own_ports = settings_.own_ports;
  std::weak_ptr<Ship> const weak = ship;
  auto started = Chromium::start(loop_, timers_, std::move(setup), [this, weak](std::string reason) {
    if (auto const one = weak.lock()) sink(one, reason);
  });
  if (!started) return started.error();
  ship->chromium = *std::move(started);
  ships_.push_back(ship);
  beat(ship);
  return ship;
}

// One that is being warmed is nearer than one that is yet to begin.
Task<Result<Fleet::Berth>> Fleet::make_or_wait(std::shared_ptr<Ship> ship, BrowserWish wish) {
  if (is_plain(wish) && ship->warming > ship->hopeful.size()) {
    Later<Result<Berth>> warmed;
    ship->hopeful.push_back(warmed);
    auto berth = co_await warmed;
    co_return berth;
  }
  auto berth = co_await make(std::move(ship), std::move(wish));
  co_return berth;
}

Task<Result<Fleet::Berth>> Fleet::make(std::shared_ptr<Ship> ship, BrowserWish wish) {
  auto const params = context_params(wish, settings_.own_ports);
  auto created = co_await ship->chromium->wire().send({}, "Target.createBrowserContext", params);
  if (!created) co_return created.error();
  if (ship->is_sunk) co_return gone("it crashed");
  auto berth = co_await board(std::move(ship), text_of(*created, "browserContextId"), std::move(wish));
  co_return berth;
}

Task<Result<Fleet::Berth>> Fleet::board(std::shared_ptr<Ship> ship, std::string context_id, BrowserWish wish) {
  auto& wire = ship->chromium->wire();
  auto const target = target_params(context_id, wish);
  auto opened = co_await wire.send({}, "Target.createTarget", target);
  if (!opened) co_return opened.error();
  if (ship->is_sunk) co_return gone("it crashed");
  auto const target_id = text_of(*opened, "targetId");
  json::object attach;
  attach["targetId"] = target_id;
  attach["flatten"] = true;
  auto attached = co_await wire.send({}, "Target.attachToTarget", attach);
  if (!attached) co_return attached.error();
  if (ship->is_sunk) co_return gone("it crashed");
  PageAddress address{context_id, target_id, text_of(*attached, "sessionId")};
  auto page = std::make_shared<Page>(wire, loop_, timers_, std::move(address));
  auto prepared = co_await page->prepare();
  if (!prepared) co_return prepared.error();
  Berth berth;
  berth.ship = std::move(ship);
  berth.context_id = context_id;
  berth.page = std::move(page);
  co_return berth;
}

// Contexts are prepared one after the other, so that whoever is being served is not held up.
void Fleet::warm_up(std::shared_ptr<Ship> const& ship) {
  if (ship->is_alone || ship->is_sunk || ship->warming > 0 || ship->served >= served_max) return;
  if (ship->warm.size() >= settings_.warm) return;
  ++ship->warming;
  ++ship->served;
  BrowserWish wish;
  wish.is_full = ship->is_full;
  std::function<void(Result<Berth>)> done = [this, ship](Result<Berth> made) {
    --ship->warming;
    if (made) made->ship.reset();  // or it would own itself
    if (!ship->hopeful.empty()) {
      auto const next = ship->hopeful.front();
      ship->hopeful.pop_front();
      next.give(std::move(made));
      return;
    }
    if (!made || ship->is_sunk) return;
    ship->warm.push_back(*std::move(made));
    warm_up(ship);
  };
  start(make(ship, std::move(wish)), std::move(done));
}

void Fleet::beat(std::shared_ptr<Ship> const& ship) {
  std::weak_ptr<Ship> const weak = ship;
  ship->beat_timer = timers_.set(Clock().now().steady_us + beat_us, [this, weak] {
    auto const one = weak.lock();
    if (!one || one->is_sunk) return;
    auto const ask = [](Fleet* fleet, std::shared_ptr<Ship> asked) -> Task<Result<>> {
      auto const answer = co_await asked->chromium->wire().send({}, "Browser.getVersion", {}, beat_late_us);
      if (asked->is_sunk) co_return Result<>();
      if (!answer && answer.error().code == Code::timeout)
        fleet->sink(asked, "it does not answer");
      else
        fleet->beat(asked);
      co_return Result<>();
    };
    start(ask(this, one));
  });
}

// Nobody uses it: it ends after a while, at once if it may not serve any more.
void Fleet::rest(std::shared_ptr<Ship> const& ship) {
  if (ship->live > 0 || ship->is_sunk) return;
  std::weak_ptr<Ship> const weak = ship;
  bool const is_over = ship->is_alone || ship->served >= served_max;
  timers_.cancel(ship->rest_timer);
  ship->rest_timer = timers_.set(Clock().now().steady_us + (is_over ? 0 : settings_.keep_us), [this, weak] {
    auto const one = weak.lock();
    if (one && one->live == 0) sink(one, "nobody uses it");
  });
}

void Fleet::sink(std::shared_ptr<Ship> ship, std::string const& reason) {
  if (std::exchange(ship->is_sunk, true)) return;
  ships_.remove(ship);
  timers_.cancel(std::exchange(ship->rest_timer, 0));
  timers_.cancel(std::exchange(ship->beat_timer, 0));
  ship->warm.clear();
  for (auto const& [context, on_gone] : std::exchange(ship->on_gone, {})) on_gone(reason);
  ship->end.give(reason);
  ship->chromium->end();
  // To free it at once would wait for its processes.
  timers_.set(Clock().now().steady_us + farewell_us, [ship] {});
}

}  // namespace sojourn
