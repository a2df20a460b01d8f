#include "browser/navigation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "browser/params.h"
#include "browser/pointer.h"

namespace sojourn {
namespace {

constexpr std::int64_t patience_us = 2'000'000;  // with a page that is to be left

constexpr std::size_t address_bytes_max = 2'000'000;  // Chromium's own

constexpr std::array<std::string_view, 11> refused{"file",
                                                   "chrome",
                                                   "chrome-extension",
                                                   "chrome-untrusted",
                                                   "chrome-error",
                                                   "devtools",
                                                   "view-source",
                                                   "javascript",
                                                   "blob",
                                                   "filesystem",
                                                   "about"};

bool begins(std::string_view text, std::string_view scheme) {
  return text.size() > scheme.size() && text[scheme.size()] == ':' &&
         equal_ignoring_case(text.substr(0, scheme.size()), scheme);
}

bool is_blank(std::string_view text) {
  constexpr std::string_view blank = "about:blank";
  if (text.size() < blank.size() || !equal_ignoring_case(text.substr(0, blank.size()), blank)) return false;
  return text.size() == blank.size() || text[blank.size()] == '#' || text[blank.size()] == '?';
}

bool is_web(std::string_view text) {
  return ((begins(text, "http") || begins(text, "https")) && text.substr(text.find(':')).starts_with("://")) ||
         begins(text, "data") || is_blank(text);
}

}  // namespace

Result<std::string> to_address(std::string_view given) {
  auto const first = std::ranges::find_if(given, [](char c) { return static_cast<unsigned char>(c) > ' '; });
  given.remove_prefix(static_cast<std::size_t>(first - given.begin()));
  while (!given.empty() && static_cast<unsigned char>(given.back()) <= ' ') given.remove_suffix(1);
  if (given.empty()) return error(Code::invalid, "the address is empty");
  if (given.size() > address_bytes_max) return error(Code::invalid, "the address is too long");
  if (is_web(given)) return std::string(given);
  for (auto const scheme : refused)
    if (begins(given, scheme)) return error(Code::forbidden, std::string(scheme) + ": addresses are not allowed");
  return "https://" + std::string(given);
}

std::uint64_t Navigation::document() const {
  auto const* const main = tab_.frames.main();
  return main == nullptr ? 0 : main->document;
}

Task<Result<>> Navigation::go(std::string address, std::int64_t timeout_ms) {
  auto const deadline = tab_.now_us() + timeout_ms * 1000;
  auto const before = document();
  auto const is_there = std::make_shared<bool>(false);
  start(see_off(is_there, deadline));
  auto const left = co_await leave(std::move(address), timeout_ms, deadline);
  *is_there = true;
  if (!left) co_return left.error();
  if (!*left) co_return Result<>{};
  auto const arrived = co_await arrive(before, deadline);
  if (!arrived && arrived.error().code == Code::timeout) co_return too_late(timeout_ms, "");
  co_return arrived;
}

Task<Result<bool>> Navigation::leave(std::string address, std::int64_t timeout_ms, std::int64_t deadline_us) {
  auto const before = document();
  auto const answer = co_await tab_.send(tab_.session(), "Page.navigate", only("url", address), deadline_us);
  if (!answer && answer.error().code == Code::timeout && tab_.state()) {
    tab_.send(tab_.session(), "Page.stopLoading", {}, tab_.now_us() + Wire::answer_us);
    co_return too_late(timeout_ms, "");
  }
  if (!answer) co_return tab_.judge(answer.error());
  if (find_bool(*answer, "isDownload")) co_return error(Code::failed, "Download is starting at " + address);
  if (auto const why = json::find_string(*answer, "errorText"); !why.empty())
    co_return error(Code::failed, std::string(why) + " at " + address);
  auto const loader = std::string(json::find_string(*answer, "loaderId"));
  if (loader.empty()) co_return false;
  // A page that goes somewhere by itself all the time may have another new document meanwhile.
  Tab::Condition is_ours = [this, loader] {
    auto const* const main = tab_.frames.main();
    return main != nullptr && main->loader_id == loader;
  };
  auto const until = document() == before ? deadline_us : std::min(deadline_us, tab_.now_us() + 5 * patience_us);
  bool const is_there = co_await tab_.wait_until(std::move(is_ours), until);
  if (!is_there && tab_.now_us() >= deadline_us) co_return tab_.judge(too_late(timeout_ms, ""));
  co_return true;
}

Task<bool> Navigation::see_off(std::shared_ptr<bool const> is_there, std::int64_t deadline_us) {
  bool is_warned = false;
  while (tab_.now_us() + patience_us < deadline_us) {
    auto const lives = co_await tab_.sleep_until(tab_.now_us() + patience_us);
    if (!lives || *is_there) break;
    auto const answers = co_await tab_.answers(patience_us / 4);
    if (answers || *is_there) continue;
    if (is_warned) {  // nothing that its own process has to do would help
      tab_.crash("it did not let go");
      break;
    }
    tab_.send(tab_.session(), "Runtime.terminateExecution", {}, tab_.now_us() + Wire::answer_us);
    is_warned = true;
  }
  co_return *is_there;
}

Task<Result<>> Navigation::arrive(std::uint64_t from_document, std::int64_t deadline_us) {
  auto const* const now = tab_.frames.main();
  auto const since = tab_.traffic.mark();
  auto const id = now == nullptr ? std::string() : now->id;
  Tab::Condition readable = [this, from_document] {
    auto const* const main = tab_.frames.main();
    return main != nullptr && main->document != from_document && main->is_readable;
  };
  if (!co_await tab_.wait_until(std::move(readable), deadline_us))
    co_return tab_.judge(error(Code::timeout, "the page could not be read in time"));
  Tab::Condition loaded = [this] {
    auto const* const main = tab_.frames.main();
    return main == nullptr || main->is_loaded;
  };
  co_await tab_.wait_until(std::move(loaded), std::min(deadline_us, tab_.now_us() + load_us_max));
  Tab::Condition quiet = [this] { return tab_.traffic.requests(0) == 0; };
  co_await tab_.wait_until(std::move(quiet), std::min(deadline_us, tab_.now_us() + quiet_us_max));
  // It may have gone on to another address meanwhile.
  if (tab_.traffic.is_navigating(id, since) && tab_.now_us() < deadline_us) {
    Tab::Condition there = [this, id, since] {
      auto const* const main = tab_.frames.main();
      return !tab_.traffic.is_navigating(id, since) && (main == nullptr || main->is_readable);
    };
    co_await tab_.wait_until(std::move(there), std::min(deadline_us, tab_.now_us() + 5 * load_us_max));
  }
  if (auto const state = tab_.state(); !state) co_return state.error();
  co_return Result<>{};
}

Task<Result<bool>> Navigation::back(std::int64_t timeout_ms) {
  auto const deadline = tab_.now_us() + timeout_ms * 1000;
  auto const history = co_await tab_.send(tab_.session(), "Page.getNavigationHistory", {}, deadline);
  if (!history) co_return tab_.judge(history.error());
  auto const& entries = find_array(*history, "entries");
  auto const index = find_integer(*history, "currentIndex");
  if (index <= 0 || static_cast<std::size_t>(index) > entries.size()) co_return false;
  auto const& entry = entries[static_cast<std::size_t>(index) - 1];
  if (!entry.is_object()) co_return false;
  auto const before = document();
  auto const since = tab_.traffic.mark();
  auto const id = tab_.frames.main() == nullptr ? std::string() : tab_.frames.main()->id;
  auto const url = tab_.frames.main() == nullptr ? std::string() : tab_.frames.main()->url;
  auto const went = co_await tab_.send(tab_.session(), "Page.navigateToHistoryEntry",
                                       only("entryId", find_integer(entry.get_object(), "id")), deadline);
  if (!went) co_return tab_.judge(went.error());
  // Either another document, or another place in this one.
  Tab::Condition moved = [this, before, since, id, url] {
    auto const* const main = tab_.frames.main();
    if (main == nullptr || main->document != before) return true;
    return main->url != url || tab_.traffic.is_navigating(id, since);
  };
  if (!co_await tab_.wait_until(std::move(moved), std::min(deadline, tab_.now_us() + 2 * load_us_max)))
    co_return tab_.judge(too_late(timeout_ms, "the page did not go back"));
  auto const* const main = tab_.frames.main();
  if (main != nullptr && main->document == before && main->url != url) co_return true;
  auto const arrived = co_await arrive(before, deadline);
  if (!arrived && arrived.error().code == Code::timeout) co_return too_late(timeout_ms, "");
  if (!arrived) co_return arrived.error();
  co_return true;
}

}  // namespace sojourn
