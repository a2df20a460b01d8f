// The answers of the functions, member by member.
#include "browser/functions.h"

#include "support/page_stage.h"

namespace sojourn {
namespace {

using FunctionsTest = test::PageTest;

std::vector<std::string> names(json::object const& o) {
  std::vector<std::string> all;
  for (auto const& member : o) all.emplace_back(member.key());
  std::ranges::sort(all);
  return all;
}

TEST_F(FunctionsTest, NothingWorksBeforeOpen) {
  for (auto const function : {Function::snapshot, Function::interact, Function::screenshot, Function::execute}) {
    auto const output = call(function, input("action", "wait", "code", "1"));
    ASSERT_FALSE(output);
    EXPECT_EQ(output.error().code, Code::conflict);
    EXPECT_EQ(output.error().message, "Browser not started. Call 'open' first.");
  }
}

TEST_F(FunctionsTest, OpenFailsInTheDocumentedWords) {
  auto output = call(Function::open, input("url", "file:///etc/passwd"));
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code, Code::forbidden);
  EXPECT_EQ(output.error().message, "Failed to open URL: file: addresses are not allowed");
  output = call(Function::open, input("url", "http://127.0.0.1:9/"));
  EXPECT_EQ(output.error().code, Code::failed);
  EXPECT_TRUE(output.error().message.starts_with("Failed to open URL: net::ERR_")) << output.error().message;
}

TEST_F(FunctionsTest, EveryAnswerHasAllItsMembers) {
  show("<title>T</title><button>b</button>");
  auto const snapshot = std::vector<std::string>{"diff",       "elements", "elements_text", "output_meta",
                                                 "screenshot", "title",    "truncated",     "url"};
  EXPECT_EQ(names(*call(Function::snapshot, {})), snapshot);
  auto const interact = std::vector<std::string>{"action",      "code",       "dialogs",  "element", "message",
                                                 "output_meta", "screenshot", "snapshot", "success"};
  EXPECT_EQ(names(*call(Function::interact, input("action", "click", "ref", ref("b")))), interact);
  EXPECT_EQ(names(*call(Function::screenshot, {})),
            (std::vector<std::string>{"height", "output_meta", "screenshot", "width"}));
  EXPECT_EQ(names(*call(Function::execute, input("code", "1"))),
            (std::vector<std::string>{"dialogs", "error", "output_meta", "result", "screenshot"}));
}

TEST_F(FunctionsTest, PicturesAndSnapshotsCanBeLeftOut) {
  show("<title>T</title><button>b</button>");
  auto output = act(input("action", "wait", "wait_ms", 0, "snapshot", "none"));
  EXPECT_TRUE(output.at("snapshot").is_null());
  EXPECT_TRUE(output.at("screenshot").is_null());
  output = *call(Function::open, input("url", site.url("/"), "snapshot", "none", "screenshot", false));
  EXPECT_EQ(output.at("title"), json::value("T"));
  EXPECT_EQ(output.at("elements"), json::value(json::array{}));
}

TEST_F(FunctionsTest, ASnapshotMayBeOfAPart) {
  show("<nav><a href=/x>Out</a></nav><main id=m><button>In</button></main>");
  auto const all = elements.size();
  call(Function::snapshot, input("scope", "#m"));
  EXPECT_EQ(all, 2U);
  EXPECT_EQ(elements.size(), 1U);
  auto const wrong = call(Function::snapshot, input("scope", "#nothing"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::unprocessable);
}

TEST_F(FunctionsTest, ADiffSaysWhatChanged) {
  show(
      "<button "
      "onclick=\"document.body.append(Object.assign(document.createElement('button'),{textContent:'New'}))\">Add</"
      "button>");
  auto const output = act(input("action", "click", "ref", ref("Add"), "snapshot", "diff"));
  auto const& snapshot = output.at("snapshot").get_object();
  EXPECT_EQ(snapshot.at("elements").get_array().size(), 1U);
  EXPECT_EQ(snapshot.at("diff").get_object().at("added").get_array().size(), 1U);
}

}  // namespace
}  // namespace sojourn
