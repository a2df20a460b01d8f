#include "api/accounts.h"

#include <array>
#include <memory>

#include "base/crypto.h"
#include "base/scrypt.h"

namespace sojourn {
namespace {

constexpr std::int64_t token_seconds = 1800;
constexpr std::string_view demo_user = "user";
constexpr std::string_view demo_password = "password";
constexpr std::size_t password_bytes_max = 1024;

Response to_token_response(std::string const& token) {
  return json_response("{\"access_token\":\"" + token +
                       "\",\"token_type\":\"bearer\",\"expires_in\":" + std::to_string(token_seconds) + "}");
}

Response wrong_password() {
  auto response = detail_response(401, "Incorrect username or password");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace

std::span<Route const> Accounts::routes() {
  static constexpr std::array table{
      Route{"POST", "/token", handle<&Accounts::give_token>, "A token for a name and a password", true},
      Route{"GET", "/test-token", handle<&Accounts::give_test_token>, "A token for trials, where switched on", true},
  };
  return table;
}

void Accounts::give_token(Request const& request, Parameters const&, Respond respond) {
  auto const user = request.form_field("username");
  auto const password = request.form_field("password");
  if (user.empty() || password.empty())
    return respond(detail_response(422, "username and password have to be given as a form"));
  if (password.size() > password_bytes_max || !is_user_name(user)) return respond(wrong_password());
  auto const now_us = request.at.utc_us;
  auto const token = identity_.keys().mint({user, now_us / 1'000'000 + token_seconds, Scope::write, {}, {}}, now_us);
  if (settings_.has_demo && user == demo_user && equal_in_constant_time(password, demo_password))
    return respond(to_token_response(token));
  auto const account = settings_.users.find(user);
  // A name that nobody has takes as long as one that somebody has.
  auto const line = account == settings_.users.end() ? std::string() : account->second;
  auto const is_right = std::make_shared<bool>(false);
  bool const is_taken =
      work_([is_right, password, line] { *is_right = verify_password(password, line); },
            [is_right, respond, token] { respond(*is_right ? to_token_response(token) : wrong_password()); });
  if (!is_taken) respond(detail_response(error(Code::too_many, "too many sign in at once; try again in a moment")));
}

void Accounts::give_test_token(Request const&, Parameters const&, Respond respond) {
  if (!settings_.has_test_token) return respond(detail_response(404, "Not Found"));
  auto const token = identity_.keys().mint({std::string(demo_user), 0, Scope::write, {}, {}}, 0);
  respond(json_response("{\"test_token\":\"" + token +
                        "\",\"note\":\"For trials on this machine only: it does not expire\"}"));
}

}  // namespace sojourn
