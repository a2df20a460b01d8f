// Replays every transcript of a door's folder in memory: requests through the router, messages through the dialect.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/desk.h"
#include "transcripts/transcript.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;
using test::Ask;
using test::Desk;
using test::Line;
using test::Placeholders;
using test::Step;

// What a browser gives of a page that is called "Site", and is asked for neither elements nor screenshots.
void stand_in(FakeBrowser& browser) {
  browser.outputs = {
      {Function::open,
       std::string(R"({"url":"data:,","title":"Site","screenshot":null,"elements":[],"elements_text":"",)"
                   R"("truncated":false,"diff":null,"output_meta":null,"dialogs":[]})")},
      {Function::interact,
       std::string(R"({"success":true,"action":"wait","message":null,"screenshot":null,)"
                   R"("snapshot":null,"code":null,"element":null,"dialogs":[],"output_meta":null})")},
      {Function::execute,
       std::string(R"({"result":"2","error":null,"screenshot":null,"dialogs":[],"output_meta":null})")},
      {Function::close, std::string(R"({"success":true,"video":null,"output_meta":null})")},
  };
}

class Replay {
 public:
  Replay() { stand_in(desk_.stage.fake_browser); }

  void run(Step const& step) {
    switch (step.kind) {
      case Step::Kind::request:
        return ask(step);
      case Step::Kind::answer:
        return expect_answer(step);
      case Step::Kind::connect:
        return connect(step);
      case Step::Kind::say:
        desk_.say(line(step), ids_.fill(step.text));
        return settle();
      case Step::Kind::hear:
        return expect_message(step);
      case Step::Kind::goodbye:
        desk_.say_goodbye(line(step));
        heard_[step.who].push_back("close " + step.first);  // its carrier answers in kind
        return;
      case Step::Kind::drop:
        return desk_.leave(line(step));
      case Step::Kind::header:
        headers_.emplace_back(step.first, ids_.fill(step.second));
        return;
    }
  }

  // What nobody wrote down.
  void expect_nothing_more() {
    EXPECT_TRUE(asked_.empty()) << asked_.size() << " requests have no answer in the transcript";
    for (auto& [who, connection] : lines_) {
      listen(who);
      for (auto const& message : heard_[who]) ADD_FAILURE() << who << " also heard " << message;
    }
  }

 private:
  Line& line(Step const& step) { return *lines_.at(step.who); }

  void ask(Step const& step) {
    auto fields = std::exchange(headers_, {});
    bool const says_type = std::ranges::any_of(fields, [](auto const& field) { return field.first == "Content-Type"; });
    if (!step.text.empty() && !says_type) fields.emplace_back("Content-Type", "application/json");
    asked_.push_back(&desk_.begin(step.first, ids_.fill(step.second), ids_.fill(step.text), std::move(fields)));
    settle();
  }
  // As many turns as a chain of commands, commits and answers may take.
  void settle() {
    for (int i = 0; i < 8; ++i) desk_.turn();
  }

  void expect_answer(Step const& step) {
    ASSERT_FALSE(asked_.empty()) << "nothing was asked";
    auto const& ask = *asked_.front();
    asked_.pop_front();
    ASSERT_EQ(ask.answers(), 1);
    EXPECT_EQ(std::to_string(ask.status()), step.first);
    EXPECT_TRUE(ids_.matches(step.text, ask.body()))
        << "expected " << ids_.fill(step.text) << "\nanswered " << ask.body();
  }

  void connect(Step const& step) {
    test::Fields fields;
    if (auto const colon = step.second.find(": "); colon != step.second.npos)
      fields.emplace_back(step.second.substr(0, colon), ids_.fill(step.second.substr(colon + 2)));
    auto& opened = desk_.connect(ids_.fill(step.first), std::move(fields));
    // One that is refused after its handshake hears nothing but the Close frame.
    ASSERT_TRUE(opened.is_open() || opened.outlet.closes == 1);
    lines_[step.who] = &opened;
    heard_[step.who].clear();
    if (opened.is_open()) heard_[step.who].push_back(opened.greeting);
    closes_heard_[step.who] = 0;
  }

  void listen(char who) {
    auto& outlet = lines_.at(who)->outlet;
    for (auto& message : outlet.take_lines()) heard_[who].push_back(std::move(message));
    if (outlet.closes == closes_heard_[who]) return;
    closes_heard_[who] = outlet.closes;
    heard_[who].push_back("close " + std::to_string(outlet.close_code) +
                          (outlet.close_reason.empty() ? "" : " " + outlet.close_reason));
  }

  void expect_message(Step const& step) {
    listen(step.who);
    auto& heard = heard_[step.who];
    ASSERT_FALSE(heard.empty()) << step.who << " heard nothing";
    EXPECT_TRUE(ids_.matches(step.text, heard.front()))
        << "expected " << ids_.fill(step.text) << "\nheard    " << heard.front();
    heard.pop_front();
  }

  Desk desk_{test::DeskSetup{.accounts = {{}, true, false}}};
  Placeholders ids_{[this](std::string_view user, std::string_view scope) {
    return desk_.mint(std::string(user), to_scope(scope).value_or(Scope::read));
  }};
  test::Fields headers_;  // of the next request
  std::deque<Ask*> asked_;
  std::map<char, Line*> lines_;
  std::map<char, std::deque<std::string>> heard_;
  std::map<char, int> closes_heard_;
};

// "DOOR/NAME" of every transcript.
std::vector<std::string> find_transcripts() {
  std::vector<std::string> names;
  for (std::string const door : {"browser", "extension", "sessions", "tracking"}) {
    for (auto const& entry : fs::directory_iterator(fs::path(__FILE__).parent_path() / door)) {
      if (entry.path().extension() == ".txt") names.push_back(door + "/" + entry.path().stem().string());
    }
  }
  std::ranges::sort(names);
  return names;
}

std::string read_file(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class TranscriptTest : public testing::TestWithParam<std::string> {};

TEST_P(TranscriptTest, HappensAsItIsWritten) {
  auto const path = fs::path(__FILE__).parent_path() / (GetParam() + ".txt");
  auto const transcript = test::read_transcript(read_file(path));
  ASSERT_EQ(transcript.error, "");
  ASSERT_FALSE(transcript.steps.empty());
  Replay replay;
  for (auto const& step : transcript.steps) {
    SCOPED_TRACE(path.filename().string() + ":" + std::to_string(step.line));
    replay.run(step);
    if (HasFailure()) return;
  }
  replay.expect_nothing_more();
}

INSTANTIATE_TEST_SUITE_P(Doors, TranscriptTest, testing::ValuesIn(find_transcripts()), [](auto const& each) {
  auto name = each.param;
  std::ranges::replace(name, '/', '_');
  return name;
});

TEST(TranscriptReader, ReadsEveryKindOfLine) {
  auto const transcript = test::read_transcript(
      "# title\n\n> GET /a\n> POST /a {\"b\": 1}\n< 200 {} x\n< 204\nA> connect /ws X: y z\nB> close 1000\nA> binary "
      "{}\n"
      "A> closed is a word\nA< close 1000 Session closed\nA> drop\n+ A: b: c");
  ASSERT_EQ(transcript.error, "");
  std::string all;
  for (auto const& step : transcript.steps) {
    all += std::to_string(step.line) + " " + std::to_string(static_cast<int>(step.kind)) + " ";
    if (step.who != 0) all += step.who;
    all += "|" + step.first + "|" + step.second + "|" + step.text + "\n";
  }
  EXPECT_EQ(all,
            "3 0 |GET|/a|\n4 0 |POST|/a|{\"b\": 1}\n5 1 |200||{} x\n6 1 |204||\n7 2 A|/ws|X: y z|\n8 5 B|1000||\n"
            "9 3 A|||{}\n10 3 A|||closed is a word\n11 4 A|||close 1000 Session closed\n12 6 A|||\n13 7 |A|b: c|\n");
}

TEST(TranscriptReader, NamesTheLineThatIsNoStep) {
  for (std::string_view const wrong : {"GET /a", "> GET", "a> x", "A>x", "A> ", "A= x", "AB> x", "+ x", "+ : y"}) {
    EXPECT_EQ(test::read_transcript("# t\n" + std::string(wrong)).error, "line 2 is no step: " + std::string(wrong));
  }
}

TEST(TranscriptReader, PlaceholdersStandForWhatTheySay) {
  Placeholders ids;
  EXPECT_TRUE(ids.matches("\"<id:a>\",<ms>", "\"ext_1-2\",1771960936015"));
  EXPECT_EQ(ids.fill("/x/<id:a>/<id:b>/<ms>"), "/x/ext_1-2/<id:b>/<ms>");
  EXPECT_TRUE(ids.matches("<id:a>", "ext_1-2"));
  EXPECT_FALSE(ids.matches("<id:a>", "ext_1-3")) << "an id is remembered";
  EXPECT_FALSE(ids.matches("<id:b>\"", "\"")) << "an id is not empty";
  EXPECT_FALSE(ids.matches("<id:c>\"", "a.b\"")) << "an id has no dot";
  EXPECT_TRUE(ids.matches("\"<text:c>\"", "\"a.b\""));
  EXPECT_EQ(ids.fill("<text:c>/<id:c>"), "a.b/<id:c>");
  EXPECT_TRUE(ids.matches("<number>,", "5,"));
  EXPECT_FALSE(ids.matches("<number>,", ",")) << "a number has a digit";
  EXPECT_TRUE(ids.matches("<time>", "2026-02-24T19:22:16.015123Z"));
  EXPECT_FALSE(ids.matches("<time>", "2026-02-24T19:22:16.015Z"));
  EXPECT_TRUE(ids.matches("<time?>", "null"));
  EXPECT_TRUE(ids.matches("<time?>", "\"2026-02-24T19:22:16.015123Z\""));
  EXPECT_FALSE(ids.matches("<time?>", "2026-02-24T19:22:16.015123Z"));
  EXPECT_FALSE(ids.matches("<ms>", "177196093601")) << "12 digits";
  EXPECT_FALSE(ids.matches("<ms>", "17719609360155")) << "14 digits";
  EXPECT_TRUE(ids.matches("<iso>", "2026-02-24T19:22:16.015Z"));
  EXPECT_FALSE(ids.matches("<iso>", "2026-02-24T19:22:16Z"));
  EXPECT_FALSE(ids.matches("<iso>", "2026-02-24 19:22:16.015Z"));
  EXPECT_TRUE(ids.matches("\"<any>\"", "\"a b\""));
  EXPECT_FALSE(ids.matches("\"<any>\"", "\"\""));
  EXPECT_FALSE(ids.matches("abc", "ab"));
  EXPECT_FALSE(ids.matches("ab", "abc"));
  EXPECT_FALSE(ids.matches("{\"a\":1}", "{\"a\": 1}")) << "blanks count";
}

TEST(TranscriptReader, TokensAreMintedOnceForEachUserAndScope) {
  int count = 0;
  Placeholders ids([&count](std::string_view user, std::string_view scope) {
    return std::string(user) + "." + std::string(scope) + "." + std::to_string(++count);
  });
  EXPECT_EQ(ids.fill("<token:a> <token:a> <token:a:admin>"), "a.write.1 a.write.1 a.admin.2");
  EXPECT_TRUE(ids.matches("<token:a>", "a.write.1"));
  EXPECT_FALSE(ids.matches("<token:b>", "b.write.3")) << "an answer makes no token";
  EXPECT_EQ(Placeholders().fill("<token:a>"), "<token:a>");
}

}  // namespace
}  // namespace sojourn
