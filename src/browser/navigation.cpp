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
constexpr int attempts_max = 5;                  // to leave one that goes somewhere else by itself
constexpr std::int64_t error_page_us = 500'000;  // until it is there
constexpr int restless = 3;                      // that many documents of its own while it is to be left

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

bool is_name(std::string_view scheme) {
  return !scheme.empty() && std::ranges::all_of(scheme, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-';
  });
}

// Where nothing has a certificate.
bool is_loopback(std::string_view given) {
  auto const host = given.substr(0, given.find_first_of(":/?#"));
  return equal_ignoring_case(host, "localhost") || host == "127.0.0.1" || given.starts_with("[::1]");
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
  if (auto const scheme = given.substr(0, given.find("://")); scheme.size() < given.size() && is_name(scheme))
    return error(Code::forbidden, std::string(scheme) + ": addresses are not allowed");
  return (is_loopback(given) ? "http://" : "https://") + std::string(given);
}

std::uint64_t Navigation::document() const {
  auto const* const main = tab_.frames.main();
  return main == nullptr ? 0 : main->document;
}

Task<Result<>> Navigation::go(std::string address, std::int64_t timeout_ms) {
  auto const deadline = tab_.now_us() + timeout_ms * 1000;
  auto const before = document();
  leaving_ = std::make_shared<Leaving>();
  auto const leaving = leaving_;
  start(see_off(leaving, deadline));
  auto left = co_await leave(address, timeout_ms, deadline);
  for (int attempt = 1; left && *left == Left::overtaken && attempt < attempts_max; ++attempt) {
    co_await hush(timeout_ms, deadline);
    left = co_await leave(address, timeout_ms, deadline);
  }
  leaving->is_over = true;
  if (!left) co_return left.error();
  if (*left == Left::overtaken) co_return error(Code::failed, "the page went somewhere else by itself");
  if (*left == Left::place) co_return Result<>{};
  auto const arrived = co_await arrive(before, deadline);
  if (!arrived && arrived.error().code == Code::timeout) co_return too_late(timeout_ms, "");
  co_return arrived;
}

Task<bool> Navigation::hush(std::int64_t timeout_ms, std::int64_t deadline_us) {
  auto const set_scripts = [this](bool are_off) {
    tab_.send(tab_.session(), "Emulation.setScriptExecutionDisabled", only("value", are_off),
              tab_.now_us() + Wire::answer_us);
  };
  set_scripts(true);
  bool is_gone = false;
  for (int attempt = 0; !is_gone && attempt < attempts_max && tab_.state(); ++attempt) {
    auto const left = co_await leave("about:blank", timeout_ms, std::min(deadline_us, tab_.now_us() + patience_us));
    is_gone = left && *left != Left::overtaken;
  }
  set_scripts(false);
  co_return is_gone;
}

Task<bool> Navigation::ask(std::string address, Asked asked, std::int64_t deadline_us) {
  asked->emplace(co_await tab_.send(tab_.session(), "Page.navigate", only("url", address), deadline_us));
  tab_.stir();
  co_return true;
}

Task<Result<Navigation::Left>> Navigation::leave(std::string address, std::int64_t timeout_ms,
                                                 std::int64_t deadline_us) {
  auto const before = document();
  auto const asked = std::make_shared<std::optional<Tab::Answer>>();
  leaving_->asked = asked;
  start(ask(address, asked, deadline_us));
  Tab::Condition answered = [this, asked, seen = before, documents = 0]() mutable {
    if (document() != std::exchange(seen, document())) ++documents;
    return asked->has_value() || documents >= restless;
  };
  co_await tab_.wait_until(std::move(answered), deadline_us);
  if (auto const state = tab_.state(); !state) co_return state.error();
  if (!asked->has_value() && tab_.now_us() < deadline_us) co_return Left::overtaken;
  if (!asked->has_value() || (!**asked && (*asked)->error().code == Code::timeout)) {
    tab_.send(tab_.session(), "Page.stopLoading", {}, tab_.now_us() + Wire::answer_us);
    co_return too_late(timeout_ms, "");
  }
  auto const& answer = **asked;
  if (!answer) co_return answer.error();
  if (find_bool(*answer, "isDownload")) co_return error(Code::failed, "Download is starting at " + address);
  auto const loader = std::string(json::find_string(*answer, "loaderId"));
  if (auto const why = json::find_string(*answer, "errorText"); !why.empty()) {
    auto failure = error(Code::failed, std::string(why) + " at " + address);
    // The page that says so takes the place of the one before.
    if (why != "net::ERR_ABORTED")
      co_await await_document(loader, std::min(deadline_us, tab_.now_us() + error_page_us));
    co_return failure;
  }
  if (loader.empty()) co_return Left::place;
  auto const until = document() == before ? deadline_us : std::min(deadline_us, tab_.now_us() + 5 * patience_us);
  auto const left = co_await await_document(loader, until);
  if (left) co_return *left;
  if (tab_.now_us() >= deadline_us) co_return tab_.judge(too_late(timeout_ms, ""));
  if (auto const state = tab_.state(); !state) co_return state.error();
  co_return Left::overtaken;
}

Task<std::optional<Navigation::Left>> Navigation::await_document(std::string loader, std::int64_t deadline_us) {
  auto const left = std::make_shared<std::optional<Left>>();
  Tab::Condition is_known = [this, left, loader, seen = document(), documents = 0]() mutable {
    if (document() != std::exchange(seen, document())) ++documents;
    auto const* const main = tab_.frames.main();
    if (main != nullptr && main->loader_id == loader)
      *left = tab_.traffic.is_overtaken(main->id, loader) ? Left::overtaken : Left::document;
    else if (documents >= restless)
      *left = Left::overtaken;
    return left->has_value();
  };
  co_await tab_.wait_until(std::move(is_known), deadline_us);
  co_return *left;
}

Task<bool> Navigation::see_off(std::shared_ptr<Leaving const> leaving, std::int64_t deadline_us) {
  bool is_warned = false;
  while (tab_.now_us() + patience_us < deadline_us) {
    auto const lives = co_await tab_.sleep_until(tab_.now_us() + patience_us);
    if (!lives || leaving->is_over) break;
    if (!leaving->asked->has_value() && tab_.is_leaving()) continue;  // the server takes its time
    auto const answers = co_await tab_.ping(patience_us / 4);
    if (answers || leaving->is_over) continue;
    if (is_warned) {  // nothing that its own process has to do would help
      tab_.crash("it did not let go");
      break;
    }
    tab_.send(tab_.session(), "Runtime.terminateExecution", {}, tab_.now_us() + Wire::answer_us);
    is_warned = true;
  }
  co_return leaving->is_over;
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
  // The empty page that each session begins with was nobody's.
  if (index == 1 && json::find_string(entry.get_object(), "url") == "about:blank") co_return false;
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
