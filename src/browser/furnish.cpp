#include "browser/furnish.h"

#include <utility>

#include "browser/params.h"

namespace sojourn {
namespace {

constexpr std::size_t asked_max = 1000;

}  // namespace

Later<Tab::Answer> Furnishing::lay_out() {
  json::object metrics;
  metrics["width"] = wish_.width;
  metrics["height"] = wish_.height;
  metrics["deviceScaleFactor"] = 1;
  metrics["mobile"] = false;
  tab_.width = wish_.width;
  tab_.height = wish_.height;
  return tab_.send(tab_.session(), "Emulation.setDeviceMetricsOverride", metrics, tab_.now_us() + Wire::answer_us);
}

Later<Tab::Answer> Furnishing::everywhere(std::string_view method, json::object params, std::int64_t deadline_us) {
  for (auto const& child : tab_.frames.child_sessions()) tab_.send(child, method, params, deadline_us);
  auto const answer = tab_.send(tab_.session(), method, params, deadline_us);
  tab_.furniture[std::string(method)] = std::move(params);
  return answer;
}

Task<Result<>> Furnishing::speak_as(BrowserWish const& wish, std::int64_t deadline_us) {
  auto agent = wish.user_agent;
  if (agent.empty()) {
    auto const version = co_await tab_.send("", "Browser.getVersion", {}, deadline_us);
    if (!version) co_return tab_.judge(version.error());
    agent = std::string(json::find_string(*version, "userAgent"));
  }
  json::object params;
  params["userAgent"] = agent;
  if (!wish.locale.empty()) params["acceptLanguage"] = wish.locale;
  auto const spoken = everywhere("Emulation.setUserAgentOverride", std::move(params), deadline_us);
  if (wish.locale != wish_.locale) {
    auto const set = everywhere("Emulation.setLocaleOverride", only("locale", wish.locale), deadline_us);
    if (auto const answer = co_await set; !answer)
      co_return tab_.judge(error(Code::invalid, "the browser does not know the locale " + wish.locale));
  }
  if (auto const answer = co_await spoken; !answer) co_return tab_.judge(answer.error());
  co_return Result<>{};
}

Task<Result<>> Furnishing::furnish(BrowserWish wish, std::int64_t deadline_us) {
  bool const is_resized = wish.width != wish_.width || wish.height != wish_.height;
  bool const is_elsewhere = wish.time_zone != wish_.time_zone;
  bool const has_proxy = !wish.proxy_username.empty() && wish.proxy_username != wish_.proxy_username;
  if (wish.user_agent != wish_.user_agent || wish.locale != wish_.locale)
    CO_CHECK(co_await speak_as(wish, deadline_us));
  if (is_elsewhere) {
    auto const set = everywhere("Emulation.setTimezoneOverride", only("timezoneId", wish.time_zone), deadline_us);
    if (auto const answer = co_await set; !answer)
      co_return tab_.judge(error(Code::invalid, "the browser does not know the time zone " + wish.time_zone));
  }
  wish_ = std::move(wish);
  if (is_resized) {
    auto const laid_out = co_await lay_out();
    if (!laid_out) co_return tab_.judge(laid_out.error());
  }
  if (has_proxy) log_in();
  co_return Result<>{};
}

// The browser asks only while every request is held up and let go again.
void Furnishing::log_in() {
  tab_.hear_everywhere("Fetch.requestPaused", [this](std::string const& session, json::object const& params) {
    tab_.send(session, "Fetch.continueRequest", only("requestId", json::find_string(params, "requestId")),
              tab_.now_us() + Wire::answer_us);
  });
  tab_.hear_everywhere("Fetch.authRequired",
                       [this](std::string const& session, json::object const& params) { on_auth(session, params); });
  everywhere("Fetch.enable", only("handleAuthRequests", true), tab_.now_us() + Wire::answer_us);
}

void Furnishing::on_auth(std::string const& session, json::object const& params) {
  json::object reply;
  auto const id = std::string(json::find_string(params, "requestId"));
  bool const is_proxy = json::find_string(find_object(params, "authChallenge"), "source") == "Proxy";
  // Asked once more for the same request, the credentials were not the right ones.
  if (asked_.size() >= asked_max) asked_.clear();
  if (is_proxy && asked_.insert(session + ' ' + id).second) {
    reply["response"] = "ProvideCredentials";
    reply["username"] = wish_.proxy_username;
    reply["password"] = wish_.proxy_password;
  } else {
    reply["response"] = "CancelAuth";
  }
  json::object answer;
  answer["requestId"] = id;
  answer["authChallengeResponse"] = std::move(reply);
  tab_.send(session, "Fetch.continueWithAuth", answer, tab_.now_us() + Wire::answer_us);
}

}  // namespace sojourn
