#include "api/identity.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/desk.h"

namespace sojourn {
namespace {

using test::Desk;
using test::DeskSetup;

constexpr std::int64_t now_us = 1'771'960'936'015'000;
constexpr std::int64_t now_s = now_us / 1'000'000;

// A request with memory of its own.
class Asked {
 public:
  explicit Asked(std::string target, std::vector<Header> headers = {}, std::string_view method = "GET")
      : target_(std::move(target)), headers_(std::move(headers)) {
    std::string_view const whole(target_);
    auto const mark = whole.find('?');
    request.method = method;
    request.path = whole.substr(0, mark);
    request.query = mark == whole.npos ? std::string_view() : whole.substr(mark + 1);
    request.headers = headers_;
    request.at = {1, now_us};
  }
  Asked(Asked const&) = delete;
  Asked& operator=(Asked const&) = delete;

 private:
  std::string target_;
  std::vector<Header> headers_;

 public:
  Request request;
};

std::string token_of(std::string target, std::vector<Header> headers, std::string_view method = "GET") {
  return find_token(Asked(std::move(target), std::move(headers), method).request);
}

constexpr Header upgrade{"Upgrade", "websocket"};
constexpr Header stream{"Accept", "text/event-stream"};

// What stands for credentials that are no token: nobody's, but not none either.
constexpr std::string_view unusable = "?";

TEST(FindToken, TheHeaderNamesItOnEveryPath) {
  struct Row {
    std::string_view value;
    std::string_view token;
  };
  for (auto const& row :
       {Row{"Bearer abc", "abc"}, Row{"bearer abc", "abc"}, Row{"BEARER   abc ", "abc"}, Row{"Bearer\tabc", "abc"},
        Row{"Bearer a b", "a b"}, Row{"Basic abc", unusable}, Row{"Bearerabc", unusable}, Row{"abc", unusable},
        Row{"Bearer", unusable}, Row{"Bearer  ", unusable}, Row{"", unusable}}) {
    EXPECT_EQ(token_of("/anything", {{"Authorization", row.value}}), row.token) << row.value;
    EXPECT_EQ(token_of("/anything", {{"authorization", row.value}}, "POST"), row.token) << row.value;
  }
}

TEST(FindToken, AParameterCountsOnlyWhereAPageCanNotSetHeaders) {
  for (auto const& [path, headers, counts] :
       {std::tuple<std::string, std::vector<Header>, bool>{"/ws", {upgrade}, true},
        {"/anything", {upgrade}, true},
        {"/anything", {stream}, true},
        {"/sessions", {}, true},
        {"/sessions/", {}, true},
        {"/sessions/x", {}, false},
        {"/api/v1/sessions", {}, false},
        {"/ws", {}, false},
        {"/ws", {{"Upgrade", "h2c"}}, false},
        {"/anything", {{"Accept", "text/html"}}, false}}) {
    EXPECT_EQ(token_of(path + "?token=a%2Eb", headers), counts ? "a.b" : "") << path;
    EXPECT_EQ(token_of(path + "?x=1", headers), "") << path;
  }
  EXPECT_EQ(token_of("/anything?token=a", {stream}, "POST"), "") << "a stream is what a GET gets";
}

TEST(FindToken, ASubprotocolCountsOnWebSocketsOnly) {
  for (auto const& [list, token] : {std::pair<std::string_view, std::string_view>{"bearer.abc", "abc"},
                                    {"chat, bearer.a.b.c", "a.b.c"},
                                    {"Bearer.abc", ""},
                                    {"bearer", ""},
                                    {"chat", ""},
                                    {"bearer.", unusable}}) {
    EXPECT_EQ(token_of("/ws", {upgrade, {"Sec-WebSocket-Protocol", list}}), token) << list;
    EXPECT_EQ(token_of("/ws", {{"Sec-WebSocket-Protocol", list}}), "") << "not without an upgrade";
  }
  EXPECT_EQ(token_of("/ws", {upgrade, {"Sec-WebSocket-Protocol", "chat"}, {"sec-websocket-protocol", "bearer.b"}}),
            "b");
}

// Which of them would be meant? A right one does not save a wrong one.
TEST(FindToken, SeveralHaveToBeTheSame) {
  Header const header{"Authorization", "Bearer one"};
  Header const protocol{"Sec-WebSocket-Protocol", "bearer.one"};
  EXPECT_EQ(token_of("/ws?token=one", {upgrade, header, protocol}), "one");
  EXPECT_EQ(token_of("/ws?token=", {upgrade, header, protocol}), "one") << "an empty parameter is none";
  EXPECT_EQ(token_of("/x?token=two", {header}), "one") << "where a parameter doesn't count it is not looked at";
  for (auto const& [target, headers] : {std::pair<std::string, std::vector<Header>>{"/ws?token=two", {upgrade, header}},
                                        {"/ws?token=two", {upgrade, protocol}},
                                        {"/ws?token=two", {upgrade, header, protocol}},
                                        {"/sessions?token=two", {header}},
                                        {"/ws?token=one", {upgrade, {"Authorization", "Basic one"}}},
                                        {"/ws", {upgrade, header, {"Sec-WebSocket-Protocol", "bearer.two"}}},
                                        {"/ws", {upgrade, {"Sec-WebSocket-Protocol", "bearer.one, bearer.two"}}},
                                        {"/ws", {upgrade, {"Sec-WebSocket-Protocol", "bearer.one, bearer."}}},
                                        {"/ws", {header, {"Authorization", "Bearer two"}}},
                                        {"/ws", {header, {"Authorization", ""}}},
                                        {"/ws", {{"Authorization", ""}, header}}}) {
    EXPECT_EQ(token_of(target, headers), unusable) << target;
  }
}

TEST(ChooseProtocol, AnswersOnlyWhereATokenIsShown) {
  for (auto const& [list, chosen] : {std::pair<std::string_view, std::string_view>{"", ""},
                                     {"chat", ""},
                                     {"bearer.abc", "bearer.abc"},
                                     {"bearer.abc, chat, more", "chat"},
                                     {" one , bearer.abc ", "one"}}) {
    Asked const asked("/ws", {upgrade, {"Sec-WebSocket-Protocol", list}});
    EXPECT_EQ(choose_protocol(asked.request), chosen) << list;
  }
  EXPECT_EQ(choose_protocol(Asked("/ws").request), "");
}

TEST(Wants, AWebSocketIsNamedInAnyHeaderOfThatName) {
  EXPECT_TRUE(wants_websocket(Asked("/", {{"upgrade", "WebSocket"}}).request));
  EXPECT_TRUE(wants_websocket(Asked("/", {{"Upgrade", "h2c, websocket"}}).request));
  EXPECT_TRUE(wants_websocket(Asked("/", {{"Upgrade", "h2c"}, {"Upgrade", "websocket"}}).request));
  EXPECT_FALSE(wants_websocket(Asked("/", {{"Upgrade", "websockets"}}).request));
  EXPECT_FALSE(wants_websocket(Asked("/", {{"Accept", "websocket"}}).request));
  EXPECT_FALSE(wants_websocket(Asked("/").request));
}

TEST(Wants, AnEventStreamIsAGetThatAcceptsOne) {
  EXPECT_TRUE(wants_event_stream(Asked("/", {stream}).request));
  EXPECT_TRUE(wants_event_stream(Asked("/", {{"accept", "text/html, Text/Event-Stream;q=0.5"}}).request));
  EXPECT_FALSE(wants_event_stream(Asked("/", {stream}, "HEAD").request));
  EXPECT_FALSE(wants_event_stream(Asked("/", {stream}, "POST").request));
  EXPECT_FALSE(wants_event_stream(Asked("/", {{"Accept", "*/*"}}).request));
  EXPECT_FALSE(wants_event_stream(Asked("/", {{"Accept", "text/event-streams"}}).request));
}

TEST(ToPrincipal, AUserIsWhomTheTokenNames) {
  auto const user = to_principal({"alice", now_s, Scope::read, {}, {}});
  EXPECT_EQ(user.role, Role::user);
  EXPECT_EQ(user.name, "alice");
  EXPECT_EQ(user.scope, Scope::read);
  EXPECT_EQ(user.grant, nullptr);
  EXPECT_FALSE(user.is_admin());
}

TEST(ToPrincipal, AScopeOfAdminMakesAnAdmin) {
  EXPECT_EQ(to_principal({"root", now_s, Scope::admin, {}, {}}).role, Role::admin);
  for (auto const scope : {Scope::read, Scope::write, Scope::control})
    EXPECT_EQ(to_principal({"root", now_s, scope, {}, {}}).role, Role::user);
}

TEST(ToPrincipal, OnlyATokenOfOursIsForOneSession) {
  for (std::string const id : {"", "1", "tok", "xtok_1"}) {
    auto const user = to_principal({"alice", now_s, Scope::write, "session-1", id});
    EXPECT_EQ(user.role, Role::user) << id << ": other issuers say sid and mean something else";
    EXPECT_EQ(user.grant, nullptr);
  }
}

TEST(ToPrincipal, ASessionTokenMakesAGuestWhateverItsScope) {
  for (auto const scope : {Scope::read, Scope::write, Scope::control, Scope::admin}) {
    auto const guest = to_principal({"bob", 77, scope, "session-1", "tok_1"});
    EXPECT_EQ(guest.role, Role::guest);
    EXPECT_EQ(guest.name, "bob");
    EXPECT_EQ(guest.scope, scope);
    EXPECT_FALSE(guest.is_admin());
    ASSERT_NE(guest.grant, nullptr);
    EXPECT_EQ(guest.grant->session_id, "session-1");
    EXPECT_EQ(guest.grant->token_id, "tok_1");
    EXPECT_EQ(guest.grant->expires_us, 77'000'000);
  }
  EXPECT_EQ(to_principal({"bob", 0, Scope::read, "session-1", "tok_1"}).grant->expires_us, 0) << "until it is revoked";
}

class IdentityTest : public testing::Test {
 protected:
  Identity const local{Keys(std::string(64, 'x')), true};
  Identity const server{Keys(std::string(64, 'x'), std::string(64, 'y')), false};
  std::string const header = "Bearer ";
};

TEST_F(IdentityTest, WithoutATokenOneIsLocalWhereThereIsNoKey) {
  auto const principal = local.identify(Asked("/x").request);
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->role, Role::local);
  EXPECT_TRUE(principal->is_admin());
  EXPECT_TRUE(local.is_open());
}

TEST_F(IdentityTest, WithoutATokenOneIsNobodyWhereThereIsAKey) {
  EXPECT_FALSE(server.is_open());
  auto const principal = server.identify(Asked("/x").request);
  ASSERT_FALSE(principal);
  EXPECT_EQ(principal.error().code, Code::unauthenticated);
  EXPECT_EQ(principal.error().message, "Not authenticated");
}

TEST_F(IdentityTest, ARightTokenIsItsUserInBothModes) {
  for (auto const* identity : {&local, &server}) {
    auto const token = header + identity->keys().mint({"alice", now_s + 60, Scope::write, {}, {}}, now_us);
    auto const principal = identity->identify(Asked("/x", {{"Authorization", token}}).request);
    ASSERT_TRUE(principal);
    EXPECT_EQ(principal->role, Role::user) << "a user, although without a token one would be local";
    EXPECT_EQ(principal->name, "alice");
  }
}

TEST_F(IdentityTest, AWrongTokenIsNeverIgnored) {
  auto const stranger = Keys(std::string(64, 'z')).mint({"alice", 0, Scope::admin, {}, {}}, now_us);
  for (auto const* identity : {&local, &server}) {
    auto const late = identity->keys().mint({"alice", now_s, Scope::write, {}, {}}, now_us - 60'000'000);
    for (auto const& token : {stranger, late, std::string("nonsense")}) {
      auto const by_header = header + token;
      auto const by_protocol = "bearer." + token;
      std::vector<Header> const ways[] = {{{"Authorization", by_header}},
                                          {upgrade, {"Sec-WebSocket-Protocol", by_protocol}}};
      for (auto const& headers : ways) {
        auto const principal = identity->identify(Asked("/x", headers).request);
        ASSERT_FALSE(principal) << token;
        EXPECT_EQ(principal.error().code, Code::unauthenticated);
        EXPECT_EQ(principal.error().message, "Invalid or expired token");
      }
      EXPECT_FALSE(identity->identify(Asked("/ws?token=" + token, {upgrade}).request)) << token;
    }
  }
}

// As from a script whose variable is not set.
TEST_F(IdentityTest, CredentialsThatAreNoTokenAreWrongOnes) {
  for (auto const* identity : {&local, &server}) {
    for (std::string_view const value : {"Bearer ", "Bearer", "bearer  ", "Basic dXNlcjpwYXNz", ""}) {
      auto const principal = identity->identify(Asked("/x", {{"Authorization", value}}).request);
      ASSERT_FALSE(principal) << value;
      EXPECT_EQ(principal.error().code, Code::unauthenticated);
      EXPECT_EQ(principal.error().message, "Invalid or expired token");
    }
  }
}

TEST_F(IdentityTest, ATokenThatNamesNobodyIsNoWayInEither) {
  auto const token = header + local.keys().mint({"", 0, Scope::write, {}, {}}, now_us);
  auto const principal = local.identify(Asked("/x", {{"Authorization", token}}).request);
  ASSERT_FALSE(principal);
  EXPECT_EQ(principal.error().code, Code::unauthenticated);
  EXPECT_EQ(principal.error().message, "Invalid token payload");
}

TEST_F(IdentityTest, ATokenRunsOutAtTheTimeOfTheRequest) {
  auto const token = header + local.keys().mint({"alice", now_s + 1, Scope::write, {}, {}}, now_us);
  Asked asked("/x", {{"Authorization", token}});
  EXPECT_TRUE(local.identify(asked.request));
  asked.request.at.utc_us = (now_s + 1) * 1'000'000 - 1;
  EXPECT_TRUE(local.identify(asked.request));
  asked.request.at.utc_us += 1;
  EXPECT_FALSE(local.identify(asked.request));
}

// The token that is taken is the one that is judged: a right one elsewhere does not save a wrong one.
TEST(Identity, AWrongTokenBeforeARightOneIsRefusedAtEveryDoor) {
  Desk desk;
  auto const right = desk.mint("alice");
  for (std::string_view const path : {"/sessions", "/api/v1/sessions", "/api/websocket/sessions", "/readyz"}) {
    auto const& asked =
        desk.ask("GET", std::string(path) + "?token=" + right, {}, {{"Authorization", "Bearer nonsense"}});
    if (path == "/readyz") {
      EXPECT_EQ(asked.status(), 200) << "nobody is asked who they are";
      continue;
    }
    EXPECT_EQ(asked.status(), 401) << path;
    std::string challenge;
    for (auto const& [name, value] : asked.response().headers) {
      if (name == "WWW-Authenticate") challenge = value;
    }
    EXPECT_EQ(challenge, "Bearer") << path;
    bool const has_error = path.starts_with("/api/websocket");
    EXPECT_TRUE(asked.body().starts_with(has_error ? "{\"error\":\"Invalid or expired token\""
                                                   : "{\"detail\":\"Invalid or expired token\""))
        << asked.body();
  }
}

// What a router logs of who was refused, wherever they put their token.
TEST(Logged, SHP_23_TheLogNamesWhoWasRefusedWhereAndNeverTheToken) {
  testing::internal::CaptureStderr();
  Desk desk;
  {
    Log log(Level::debug);
    Router router{desk.access, desk.identity, log, Random(1)};
    router.add(&desk.tracked, Tracked::routes());
    auto const ignore = Respond([](void*, std::uint64_t, Response) {}, nullptr, 0);
    for (std::string_view const host : {"localhost:5409", "other.example"}) {
      Asked by_query("/sessions?token=a-wrong-token", {{"Host", host}});
      Asked by_header("/sessions", {{"Host", host}, {"Authorization", "Bearer a-wrong-token"}});
      for (auto* asked : {&by_query, &by_header}) router.handle(asked->request, ignore);
    }
  }
  auto const text = testing::internal::GetCapturedStderr();
  for (std::string_view const event : {"request.unauthenticated", "request.refused"}) {
    auto const first = text.find(event);
    ASSERT_NE(first, text.npos) << text;
    EXPECT_NE(text.find(event, first + 1), text.npos) << "both ways";
  }
  EXPECT_NE(text.find("\"path\":\"/sessions\""), text.npos) << text;
  EXPECT_EQ(text.find("a-wrong-token"), text.npos) << text;
}

}  // namespace
}  // namespace sojourn
