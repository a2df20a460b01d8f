#include "browser/account.h"

#include <pwd.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/loop.h"
#include "base/time.h"

namespace sojourn {
namespace {

constexpr std::int64_t make_us_max = 10'000'000;

// Empty when it has made the account, otherwise why not.
std::string make_account() {
  Loop loop;
  ProcessSetup setup;
  setup.command = {"useradd",      "--system", "--user-group",      "--no-create-home",          "--home-dir",
                   "/nonexistent", "--shell",  "/usr/sbin/nologin", std::string(browser_account)};
  setup.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  std::string why = "useradd takes too long";
  auto const process = Process::start(loop, std::move(setup), [&](Ending ending) {
    why = ending.signal == 0 && ending.exit_code == 0 ? "" : "useradd ended with " + ending.describe();
    loop.stop();
  });
  if (!process) return process.error().message;
  auto const until_us = Clock().now().steady_us + make_us_max;
  loop.run([&] {
    if (Clock().now().steady_us > until_us) loop.stop();
    return until_us;
  });
  return why;
}

}  // namespace

std::optional<Account> find_account(std::string_view name) {
  std::vector<char> texts(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(std::string(name).c_str(), &entry, texts.data(), texts.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  return Account{entry.pw_uid, entry.pw_gid, std::string(name)};
}

Result<std::optional<Account>> lend_account() {
  if (geteuid() != 0) return std::optional<Account>();
  std::string why;
  auto account = find_account(browser_account);
  if (!account) {
    why = make_account();
    account = find_account(browser_account);  // another server may have been faster
  }
  if (account && account->user != 0) return account;
  return error(Code::unavailable, "root may not run a browser, and the account " + std::string(browser_account) +
                                      " can't be made (" + why + "); make it with: useradd --system --user-group " +
                                      std::string(browser_account) + ", or run sojourn as an ordinary user");
}

}  // namespace sojourn
