#include "browser/page.h"

#include <algorithm>
#include <utility>

#include "browser/functions.h"
#include "browser/furnish.h"
#include "browser/params.h"
#include "browser/storage.h"
#include "browser/tab.h"

namespace sojourn {

struct Page::Parts {
  Parts(Wire& wire, Loop& loop, Timers& timers, PageAddress address) : tab(wire, loop, timers, std::move(address)) {}

  Tab tab;
  Furnishing furnishing{tab};
  Functions functions{tab, furnishing};
  Storage storage{tab};
};

Page::Page(Wire& wire, Loop& loop, Timers& timers, PageAddress address)
    : parts_(std::make_unique<Parts>(wire, loop, timers, std::move(address))) {
  parts_->tab.listen();
}

Page::~Page() { give_up(); }

Task<Result<>> Page::prepare() {
  auto& tab = parts_->tab;
  auto const deadline = tab.now_us() + Wire::answer_us;
  tab.send(tab.session(), "Inspector.enable", {}, deadline);
  auto const tree = tab.send(tab.session(), "Page.getFrameTree", {}, deadline);
  tab.send(tab.session(), "Emulation.setFocusEmulationEnabled", only("enabled", true), deadline);
  auto downloads = only("behavior", "deny");
  if (!tab.address().context_id.empty()) downloads["browserContextId"] = tab.address().context_id;
  tab.send("", "Browser.setDownloadBehavior", downloads, deadline);
  auto const laid_out = parts_->furnishing.lay_out();
  auto const switched_on = switch_on(tab, tab.session());
  auto const frames = co_await tree;
  if (!frames) co_return tab.judge(frames.error());
  tab.frames.seed(tab.session(), find_object(*frames, "frameTree"));
  if (auto const answer = co_await laid_out; !answer) co_return tab.judge(answer.error());
  if (auto const answer = co_await switched_on; !answer) co_return tab.judge(answer.error());
  co_return Result<>{};
}

void Page::settle_in(Files& files, std::string session_id, Tell tell) {
  parts_->functions.settle_in(files, std::move(session_id));
  parts_->tab.tell = std::move(tell);
}

Task<Result<>> Page::furnish(BrowserWish wish) {
  auto const shows_cursor = wish.shows_cursor;
  auto furnished = co_await parts_->furnishing.furnish(std::move(wish), parts_->tab.now_us() + Wire::answer_us);
  if (furnished && shows_cursor) parts_->functions.show_cursor();
  co_return furnished;
}

Task<Result<Checkpoint>> Page::remember(Checkpoint known, std::int64_t deadline_us) {
  if (!is_open()) co_return error(Code::conflict, "there is no page");
  known.is_open = true;
  known.last_ref = last_ref();
  auto const records_video = known.wish.records_video;
  known.wish = parts_->furnishing.wish();
  known.wish.records_video = records_video;
  co_return co_await parts_->storage.read(std::move(known), deadline_us);
}

Task<Result<std::vector<std::string>>> Page::regain(Checkpoint checkpoint, std::int64_t deadline_us) {
  parts_->functions.begin_again(checkpoint.last_ref);
  co_return co_await parts_->storage.write(std::move(checkpoint), deadline_us);
}

Task<Result<>> Page::come_back(Checkpoint checkpoint, std::int64_t deadline_us) {
  Point const scroll{checkpoint.scroll_x, checkpoint.scroll_y};
  co_return co_await parts_->functions.come_back(std::move(checkpoint.url), scroll, deadline_us);
}

Task<Result<json::object>> Page::call(Function function, json::object input, std::int64_t deadline_us) {
  auto& tab = parts_->tab;
  tab.function = std::string(to_word(function));
  auto output = co_await parts_->functions.run(function, std::move(input), deadline_us);
  if (!output && output.error().code == Code::timeout && tab.state()) co_await tab.rouse();
  if (output || tab.is_over()) {
    if (tab.is_over()) co_return tab.state().error();
    co_return output;
  }
  // Whoever waits for this may begin the next call at once: not before the crash has been dealt with.
  if (tab.has_crashed()) co_await tab.turn();
  co_return tab.judge(output.error());
}

void Page::give_up() { parts_->tab.give_up(); }

void Page::listen(std::string method, OnEvent on_event) { parts_->tab.listen(std::move(method), std::move(on_event)); }

bool Page::is_open() const { return parts_->functions.is_open() && !has_crashed(); }

bool Page::has_crashed() const { return parts_->tab.has_crashed(); }

std::int64_t Page::last_ref() const { return parts_->functions.last_ref(); }

PageAddress const& Page::address() const { return parts_->tab.address(); }

std::int64_t Page::width() const { return parts_->tab.width; }

std::int64_t Page::height() const { return parts_->tab.height; }

}  // namespace sojourn
