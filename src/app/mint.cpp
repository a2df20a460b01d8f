#include "app/mint.h"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "api/token.h"
#include "app/config.h"
#include "app/folder.h"
#include "app/nearest.h"
#include "app/sessions.h"
#include "app/table.h"
#include "app/words.h"
#include "base/json.h"
#include "base/scrypt.h"

namespace sojourn {
namespace {

constexpr std::string_view see = "; see: sojourn token --help";
constexpr std::array<std::string_view, 4> scopes{"read", "write", "control", "admin"};
constexpr std::int64_t default_s = 3600;
constexpr std::size_t password_bytes_max = 4096;

Error wrong_usage(std::string_view what) {
  return error(Code::usage, "token: " + std::string(what) + std::string(see));
}

Result<> check(MintCommand const& command) {
  bool const is_minting = !command.user.empty() || !command.session.empty();
  bool const has_terms = !command.scope.empty() || !command.expires.empty() || command.is_single_use;
  if (command.is_hashing && (is_minting || has_terms)) return wrong_usage("--hash-password stands alone");
  if (!command.is_hashing && !is_minting) return wrong_usage("give --user NAME, --session ID or --hash-password");
  if (command.is_single_use && command.session.empty()) return wrong_usage("--single-use goes with --session ID");
  if (!command.scope.empty() && !to_scope(command.scope)) {
    return error(Code::usage,
                 "--scope: there is no scope \"" + command.scope + "\"; " + suggest(command.scope, scopes));
  }
  return {};
}

// Seconds; 0 = never.
Result<std::int64_t> to_seconds(std::string const& expires) {
  if (expires.empty()) return default_s;
  if (expires == "never") return 0;
  auto const s = parse_duration_s(expires);
  if (s && *s > 0) return *s;
  return error(Code::usage, "--expires: \"" + expires + "\" is no time; write for example 30m, 1h, 7d or never");
}

Result<std::string> read_line(Terminal& terminal) {
  std::string line;
  std::getline(terminal.in, line);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

// A person types it twice: nobody sees a slip.
Result<std::string> read_password(Terminal& terminal) {
  if (terminal.keyboard < 0) return read_line(terminal);
  auto password = read_secret(terminal.keyboard, "Password: ");
  if (!password) return password;
  auto const again = read_secret(terminal.keyboard, "Once more: ");
  if (!again) return again;
  if (*again != *password) return error(Code::invalid, "the two passwords differ; type the same one twice");
  return password;
}

Result<> hash(Target const& target, Terminal& terminal) {
  auto const password = read_password(terminal);
  if (!password) return password.error();
  if (password->empty()) return error(Code::invalid, "the password is empty; pass one on standard input");
  if (password->size() > password_bytes_max)
    return error(Code::too_large, "the password is over 4096 bytes; take less");
  auto const line = hash_password(*password);
  if (target.json) return print_json(terminal, json::object{{"hash", line}});
  return print(terminal, line + "\n");
}

Result<> mint_for_session(Target const& target, MintCommand const& command, Terminal& terminal) {
  auto const s = to_seconds(command.expires);
  if (!s) return s.error();
  if (*s == 0) return error(Code::usage, "--expires: a session's token can't live forever; write for example 7d");
  json::object body{{"expires_in_s", *s}, {"single_use", command.is_single_use}};
  if (!command.scope.empty()) body["scope"] = command.scope;
  if (!command.user.empty()) body["user"] = command.user;
  auto const answer = ask(target, terminal, {"POST", session_target(command.session, "/tokens"), json::to_text(body)});
  if (!answer) return answer.error();
  if (target.json) return print_json(terminal, answer->body);
  auto const token = json::find_string(answer->body, "token");
  if (token.empty()) {
    return error(Code::failed, "the server's answer has no token; are server and command of the same version?");
  }
  return print(terminal, visible(token) + "\n");
}

// Those of the server that runs, or will run, on the data folder.
Result<Keys> find_keys(Target const& target, MintCommand const& command, Terminal const& terminal) {
  Flags flags;
  flags.config = command.config;
  flags.data = target.data;
  auto const config = load_config(flags, terminal.environment);
  if (!config) return config.error();
  auto secret = load_secret(config->data);
  if (!secret) return secret.error();
  return to_keys(*config, std::move(*secret));
}

Result<> mint_for_user(Target const& target, MintCommand const& command, Terminal& terminal) {
  if (!is_user_name(command.user)) return wrong_usage("--user: that is no name");
  auto const s = to_seconds(command.expires);
  if (!s) return s.error();
  auto const keys = find_keys(target, command, terminal);
  if (!keys) return keys.error();
  auto const now_us = terminal.clock.now().utc_us;
  Claims claims;
  claims.user = command.user;
  claims.scope = to_scope(command.scope).value_or(Scope::write);
  if (*s != 0) claims.expires_s = now_us / 1'000'000 + *s;
  auto const token = keys->mint(claims, now_us);
  if (!target.json) return print(terminal, token + "\n");
  json::object answer{{"token", token}, {"user", claims.user}, {"scope", to_word(claims.scope)}};
  if (*s != 0) answer["expires_at"] = to_iso_ms(claims.expires_s * 1'000'000);
  return print_json(terminal, answer);
}

}  // namespace

Result<> run_mint(Target const& target, MintCommand const& command, Terminal& terminal) {
  if (auto const checked = check(command); !checked) return checked;
  if (command.is_hashing) return hash(target, terminal);
  return command.session.empty() ? mint_for_user(target, command, terminal)
                                 : mint_for_session(target, command, terminal);
}

}  // namespace sojourn
