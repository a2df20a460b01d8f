// Sessions get their pages: a fresh one when they are opened, and one like the one that they had when that was lost.
#include <utility>

#include "base/text.h"
#include "browser/params.h"
#include "browser/seats.h"

namespace sojourn {
namespace {

constexpr std::int64_t regain_us_max = 20'000'000;
constexpr std::int64_t come_back_us_max = 10'000'000;  // a page that does not answer is not waited for much longer

std::int64_t now_us() { return Clock().now().steady_us; }

// Why it can't be reached, without what only its owner should read.
std::string to_reason(Error const& why, std::string const& url) {
  return why.message.substr(0, why.message.find(" at ")) + " at " + without_credentials(url);
}

Error ended() { return error(Code::ended, "Session ended"); }

}  // namespace

void Seats::make(SeatRef const& seat) {
  seat->is_being_made = true;
  std::function<void(Result<>)> done = [this, seat](Result<> made) {
    seat->is_being_made = false;
    seat->coming.reset();
    if (!made) on_not_made(seat, made.error());
    run_next(seat);
  };
  start(prepare(seat), std::move(done));
}

Task<Result<>> Seats::prepare(SeatRef seat) {
  std::function<void(std::string)> on_gone = [this, weak = std::weak_ptr<Seat>(seat)](std::string reason) {
    if (auto const one = weak.lock()) on_browser_gone(one, reason);
  };
  auto wish = seat->checkpoint().wish;
  auto taken = co_await fleet_.take(std::move(wish), std::move(on_gone));
  if (!taken) co_return taken.error();
  seat->coming = taken->page;
  if (seat->is_over) seat->coming->give_up();
  bool const comes_back = seat->checkpoint().is_open;
  if (comes_back) {
    auto berth = *taken;
    CO_CHECK(co_await regain(seat, std::move(berth)));
  }
  CO_CHECK(co_await move_in(seat, *std::move(taken)));
  if (seat->checkpoint().wish.records_video && !seat->recorder) co_await begin_recording(seat);
  if (comes_back) {
    CO_CHECK(co_await come_back(seat));
  }
  seat->is_of_before = false;
  co_return Result<>();
}

// Before anybody hears of its page.
Task<Result<>> Seats::regain(SeatRef seat, Fleet::Berth berth) {
  auto checkpoint = seat->checkpoint();
  auto const regained = co_await berth.page->regain(std::move(checkpoint), now_us() + regain_us_max);
  if (!regained) {
    fleet_.give_back(std::move(berth));
    co_return regained.error();
  }
  json::array lost{"what the page held in memory", "refs of earlier snapshots", "the history"};
  bool const records_video = seat->checkpoint().wish.records_video;
  if (seat->is_of_before) lost.emplace_back("files of earlier screenshots");
  if (records_video) lost.emplace_back(seat->is_of_before ? "the video so far" : "the video from here on");
  for (auto const& sentence : seat->checkpoint().lost()) lost.emplace_back(sentence);
  for (auto const& sentence : *regained) lost.emplace_back(sentence);
  seat->lost = std::move(lost);
  co_return Result<>();
}

// Whoever opens an address goes there at once.
Task<Result<>> Seats::come_back(SeatRef seat) {
  auto const berth = seat->berth;
  if (!berth) co_return ended();
  if (seat->next() != Function::open) {
    auto checkpoint = seat->checkpoint();
    auto const gone = co_await berth->page->come_back(std::move(checkpoint), now_us() + come_back_us_max);
    if (seat->is_over || seat->berth != berth) co_return gone ? ended() : gone.error();
    if (!gone) seat->lost->emplace_back("the page: " + to_reason(gone.error(), seat->checkpoint().url));
  }
  tell(seat->id, "recovered", only("lost", *seat->lost));
  co_return Result<>();
}

Task<Result<>> Seats::move_in(SeatRef seat, Fleet::Berth taken) {
  auto const berth = std::make_shared<Fleet::Berth>(std::move(taken));
  if (seat->is_over) {
    fleet_.give_back(*berth);
    co_return ended();
  }
  std::function<void(std::string, json::object)> on_news = [this, id = seat->id](std::string name, json::object data) {
    tell(id, std::move(name), std::move(data));
  };
  berth->page->settle_in(files_, seat->id, std::move(on_news));
  auto furniture = seat->checkpoint().wish;
  auto furnished = co_await berth->page->furnish(std::move(furniture));
  if (seat->is_over || !furnished) {
    fleet_.give_back(*berth);
    co_return seat->is_over ? ended() : furnished.error();
  }
  seat->berth = berth;
  seat->autosave->watch(berth);
  co_return Result<>();
}

// Of one that was there before, or whose browser went meanwhile, another call may have more luck.
void Seats::on_not_made(SeatRef const& seat, Error const& why) {
  if (seat->is_over || seat->failure) return;
  bool const is_first = seat->rebuilds == 0 && why.code != Code::crashed;
  if (is_first || !settings_.recovers) {
    seat->failure = why;
    return;
  }
  answer_all(seat, why);
  if (seat->rebuilds < rebuilds_max) return;
  seat->failure = why;
  fail(seat, "not_recovered", why.message);
}

}  // namespace sojourn
