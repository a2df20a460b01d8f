// What an answer waits for after an action, and what it does not.
#include "browser/settle.h"

#include "support/page_stage.h"

namespace sojourn {
namespace {

using SettleTest = test::PageTest;

std::string title_of(json::object const& output) {
  return std::string(json::find_string(output.at("snapshot").get_object(), "title"));
}

TEST_F(SettleTest, AClickThatNavigatesIsAnsweredOnTheNewPage) {
  site.serve("/two", "<title>Two</title>", 150);
  show(
      "<a href='/two'>Link</a><form action='/two'><button>Form</button></form>"
      "<button onclick=\"setTimeout(()=>location.href='/two',0)\">Script</button>");
  for (auto const* const name : {"Link", "Form", "Script"}) {
    open(site.url("/"));
    EXPECT_EQ(title_of(act("click", ref(name))), "Two") << name;
  }
}

TEST_F(SettleTest, RequestsOfTheActionAreWaitedFor) {
  site.serve("/data", "fresh", 200);
  show("<button id=b onclick=\"fetch('/data').then(r=>r.text()).then(t=>b.textContent=t)\">Load</button>");
  act("click", ref("Load"));
  EXPECT_EQ(ref("fresh").substr(0, 2), "@e");
}

TEST_F(SettleTest, ARequestThatLeadsElsewhereIsFollowed) {
  site.serve("/login", "ok", 100);
  site.serve("/home", "<title>Home</title>", 50);
  show("<button onclick=\"fetch('/login').then(()=>location.href='/home')\">Sign in</button>");
  EXPECT_EQ(title_of(act("click", ref("Sign in"))), "Home");
}

TEST_F(SettleTest, ARequestThatNeverEndsIsNotWaitedForLong) {
  site.serve("/never", "x", 20'000);
  show("<button onclick=\"fetch('/never')\">Poll</button>");
  EXPECT_TRUE(succeeded(act("click", ref("Poll"))));
  EXPECT_LT(took_ms, 4000);
}

TEST_F(SettleTest, APageThatChangesAllTheTimeIsNotWaitedForLong) {
  show("<p id=p></p><button>b</button><script>setInterval(()=>p.textContent=Math.random(),5)</script>");
  EXPECT_TRUE(succeeded(act("click", ref("b"))));
  EXPECT_LT(took_ms, 1500);
}

TEST_F(SettleTest, ADownloadIsRefusedAndNotWaitedFor) {
  site.serve("/file", "bytes", 0, "Content-Disposition: attachment; filename=f.bin\r\n");
  show("<title>Here</title><a href='/file'>Download</a>");
  auto const output = act("click", ref("Download"));
  EXPECT_TRUE(succeeded(output)) << message(output);
  EXPECT_EQ(title_of(output), "Here");
  EXPECT_LT(took_ms, 3000);
}

}  // namespace
}  // namespace sojourn
