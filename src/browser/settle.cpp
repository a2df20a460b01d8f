#include "browser/settle.h"

#include <algorithm>
#include <utility>

namespace sojourn {

Before Settling::before() const { return {tab_.traffic.mark(), navigation_.document()}; }

Task<Result<bool>> Settling::follow(Before before, std::int64_t deadline_us) {
  auto const* const main = tab_.frames.main();
  if (main == nullptr) co_return false;
  auto const id = main->id;
  if (tab_.traffic.is_asking(id, before.mark)) {
    Tab::Condition begun = [this, id, before] {
      return !tab_.traffic.is_asking(id, before.mark) || navigation_.document() != before.document;
    };
    co_await tab_.wait_until(std::move(begun), std::min(deadline_us, tab_.now_us() + Navigation::asked_us_max));
  }
  if (tab_.traffic.is_navigating(id, before.mark)) {
    // Until its document is here, or it turns out to be something else, as a download.
    Tab::Condition here = [this, id, before] { return !tab_.traffic.is_navigating(id, before.mark); };
    bool const is_here = co_await tab_.wait_until(std::move(here), deadline_us);
    if (auto const state = tab_.state(); !state) co_return state.error();
    if (!is_here) tab_.aside = "It was done; the page that it leads to has not come yet. Ask for a snapshot later.";
    if (!is_here) co_return true;
  }
  if (navigation_.document() == before.document) co_return false;
  auto const until = std::min(deadline_us, tab_.now_us() + readable_us_max);
  auto const arrived = co_await navigation_.arrive(before.document, until);
  if (!arrived && arrived.error().code != Code::timeout) co_return arrived.error();
  if (!arrived) tab_.aside = "It was done; the page that it leads to is still loading.";
  co_return true;
}

Task<Result<>> Settling::settle(Before before, std::string frame_id, Impact impact, std::int64_t deadline_us) {
  CO_TRY(auto const went, co_await follow(before, deadline_us));
  if (went) co_return Result<>{};
  bool is_restless = impact.more > 0;
  if (tab_.traffic.requests(before.mark) > 0 || tab_.traffic.is_navigating(before.mark)) {
    Tab::Condition done = [this, before] {
      return (tab_.traffic.requests(before.mark) == 0 && !tab_.traffic.is_navigating(before.mark)) ||
             navigation_.document() != before.document;
    };
    co_await tab_.wait_until(std::move(done), std::min(deadline_us, tab_.now_us() + requests_us_max));
    is_restless = true;
  } else if (tab_.traffic.has_begun_requests(before.mark)) {
    is_restless = true;  // they are over already, and the page may still use what came
  }
  if (auto const state = tab_.state(); !state) co_return state.error();
  if (!is_restless) {
    hands_.whisper(frame_id, "hands.rest()");
    co_return Result<>{};
  }
  json::array times;
  times.emplace_back(still_ms);
  times.emplace_back(changes_ms_max);
  co_await hands_.use_in(std::move(frame_id), "quiet", std::move(times),
                         std::min(deadline_us, tab_.now_us() + 1'000'000));
  // What came may have sent it elsewhere.
  CO_CHECK(co_await follow(before, deadline_us));
  if (auto const state = tab_.state(); !state) co_return state.error();
  co_return Result<>{};
}

}  // namespace sojourn
