#include "core/state.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sojourn {
namespace {

using Verb = StateEdit::Verb;

StateEdit set(std::string key, std::string value) { return {Verb::set, std::move(key), std::move(value), {}}; }
StateEdit set_all(std::string value) { return {Verb::set, {}, std::move(value), {}}; }
StateEdit merge(std::string key, std::string value) { return {Verb::merge, std::move(key), std::move(value), {}}; }
StateEdit merge_all(std::string value) { return {Verb::merge, {}, std::move(value), {}}; }
StateEdit remove(std::string key) { return {Verb::remove, std::move(key), {}, {}}; }
StateEdit remove_all() { return {Verb::remove, {}, {}, {}}; }

class StateTest : public testing::Test {
 protected:
  // Does what is asked; the change as text, or the word of the refusal.
  std::string edit(StateEdit const& what) {
    auto const change = state.plan(what, limits);
    if (!change) return std::string(row(change.error().code).word);
    state.apply(*change, ++seq);
    return to_text(*change);
  }
  std::string text() const {
    std::string out;
    state.append(out);
    return out;
  }

  State state;
  Limits limits;
  std::uint64_t seq = 10;
};

TEST_F(StateTest, IsEmptyAtFirst) {
  EXPECT_EQ(text(), "{}");
  EXPECT_EQ(state.revision(), 0U);
  EXPECT_EQ(state.size(), 0U);
  EXPECT_EQ(state.bytes(), 0U);
  EXPECT_EQ(state.find("a"), nullptr);
}

TEST_F(StateTest, SetsAndRemovesKeys) {
  EXPECT_EQ(edit(set("b", "[1]")), R"({"set":{"b":[1]},"removed":[]})");
  EXPECT_EQ(edit(set("a", "\"x\"")), R"({"set":{"a":"x"},"removed":[]})");
  EXPECT_EQ(text(), R"({"a":"x","b":[1]})");
  EXPECT_EQ(edit(set("a", "null")), R"({"set":{"a":null},"removed":[]})");
  EXPECT_EQ(text(), R"({"a":null,"b":[1]})") << "null is a value";
  EXPECT_EQ(edit(remove("a")), R"({"set":{},"removed":["a"]})");
  EXPECT_EQ(text(), R"({"b":[1]})");
  EXPECT_EQ(edit(remove("a")), "not_found");
}

TEST_F(StateTest, GivesWhoeverAsksTheSameTextUntilItChanges) {
  EXPECT_EQ(*state.text(), "{}");
  edit(set("a", "1"));
  auto const first = state.text();
  EXPECT_EQ(*first, R"({"a":1})");
  EXPECT_EQ(state.text(), first);
  edit(set("a", "2"));
  EXPECT_EQ(*state.text(), R"({"a":2})");
  EXPECT_EQ(*first, R"({"a":1})") << "who has it keeps it";
}

TEST_F(StateTest, ReplacesTheWholeMap) {
  edit(set_all(R"({"a":1,"b":2})"));
  EXPECT_EQ(edit(set_all(R"({"b":3,"c":4})")), R"({"set":{"b":3,"c":4},"removed":["a"]})");
  EXPECT_EQ(text(), R"({"b":3,"c":4})");
  EXPECT_EQ(edit(remove_all()), R"({"set":{},"removed":["b","c"]})");
  EXPECT_EQ(text(), "{}");
  EXPECT_EQ(edit(set_all("{}")), R"({"set":{},"removed":[]})");
  for (auto const* wrong : {"[]", "1", "null", "\"x\"", "{", ""}) EXPECT_EQ(edit(set_all(wrong)), "invalid") << wrong;
}

TEST_F(StateTest, MergesIntoTheMap) {
  edit(set_all(R"({"a":{"x":1,"y":2},"b":2})"));
  EXPECT_EQ(edit(merge_all(R"({"a":{"y":null,"z":3},"b":null,"c":{"n":null,"m":1},"nobody":null})")),
            R"({"set":{"a":{"x":1,"z":3},"c":{"m":1}},"removed":["b"]})");
  EXPECT_EQ(text(), R"({"a":{"x":1,"z":3},"c":{"m":1}})");
  EXPECT_EQ(edit(merge_all("[]")), "invalid");
}

TEST_F(StateTest, MergesIntoAKey) {
  edit(set("a", R"({"x":1,"y":2})"));
  edit(merge("a", R"({"x":null,"z":{"q":1}})"));
  EXPECT_EQ(text(), R"({"a":{"y":2,"z":{"q":1}}})");
  edit(merge("a", "7"));
  EXPECT_EQ(text(), R"({"a":7})");
  edit(merge("a", R"({"k":1})"));
  EXPECT_EQ(text(), R"({"a":{"k":1}})") << "what is no object gives way to one";
  edit(merge("new", R"({"k":1,"gone":null})"));
  EXPECT_EQ(text(), R"({"a":{"k":1},"new":{"k":1}})");
  EXPECT_EQ(edit(merge("a", "{")), "invalid");
}

// RFC 7396, appendix A.
TEST(MergePatch, FollowsTheExamplesOfItsRfc) {
  struct Row {
    std::string_view target, patch, result;
  };
  for (auto const& row : std::vector<Row>{{R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
                                          {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
                                          {R"({"a":"b"})", R"({"a":null})", R"({})"},
                                          {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
                                          {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
                                          {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
                                          {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
                                          {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
                                          {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
                                          {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
                                          {R"({"a":"foo"})", R"(null)", R"(null)"},
                                          {R"({"a":"foo"})", R"("bar")", R"("bar")"},
                                          {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
                                          {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
                                          {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"}}) {
    EXPECT_EQ(json::to_text(merge_patch(*json::parse(row.target), *json::parse(row.patch))), row.result)
        << row.target << " with " << row.patch;
  }
}

TEST_F(StateTest, ARevisionIsTheSeqOfTheLastChange) {
  edit(set("a", "1"));
  edit(set("b", "1"));
  EXPECT_EQ(state.find("a")->revision, 11U);
  EXPECT_EQ(state.find("b")->revision, 12U);
  EXPECT_EQ(state.revision(), 12U);
  edit(set("a", "1"));
  EXPECT_EQ(state.find("a")->revision, 13U) << "though the value is the same";
  edit(remove("b"));
  EXPECT_EQ(state.revision(), 14U);
  EXPECT_EQ(state.find("a")->revision, 13U);
}

TEST_F(StateTest, AChangeMayBeMadeForOneRevisionOnly) {
  auto const at = [](StateEdit what, std::uint64_t revision) {
    what.if_revision = revision;
    return what;
  };
  EXPECT_EQ(edit(at(set("a", "1"), 1)), "precondition_failed") << "it is not there";
  EXPECT_NE(edit(at(set("a", "1"), 0)), "precondition_failed");  // 11
  EXPECT_EQ(edit(at(set("a", "2"), 0)), "precondition_failed") << "now it is";
  EXPECT_EQ(edit(at(set("a", "2"), 10)), "precondition_failed");
  EXPECT_NE(edit(set("b", "1")), "precondition_failed");                                           // 12
  EXPECT_NE(edit(at(set("a", "2"), 11)), "precondition_failed") << "another key does not matter";  // 13
  EXPECT_EQ(edit(at(merge_all("{}"), 12)), "precondition_failed");
  EXPECT_NE(edit(at(merge_all("{}"), 13)), "precondition_failed") << "the map's is that of the last change";  // 14
  EXPECT_EQ(edit(at(remove("a"), 14)), "precondition_failed");
  EXPECT_NE(edit(at(remove("a"), 13)), "precondition_failed");
  EXPECT_EQ(edit(at(remove("a"), 13)), "precondition_failed") << "the condition goes first";
  auto const refused = state.plan(at(set("b", "2"), 99), limits);
  EXPECT_EQ(refused.error().message, "the present revision is 12");
}

TEST_F(StateTest, AChangeMayBeMadeOnlyWhereTheKeyIs) {
  auto const there = [](StateEdit what) {
    what.if_exists = true;
    return what;
  };
  EXPECT_EQ(edit(there(set("a", "1"))), "precondition_failed");
  EXPECT_NE(edit(there(set_all("{}"))), "precondition_failed") << "the map is always there";
  edit(set("a", "1"));
  EXPECT_NE(edit(there(set("a", "2"))), "precondition_failed");
  EXPECT_EQ(text(), R"({"a":2})");
}

TEST_F(StateTest, PlanningChangesNothing) {
  edit(set("a", "1"));
  EXPECT_TRUE(state.plan(remove_all(), limits));
  EXPECT_EQ(text(), R"({"a":1})");
  EXPECT_EQ(state.revision(), 11U);
}

TEST_F(StateTest, AKeyIsUtf8WithoutControlCharacters) {
  for (std::string const& good :
       {std::string("a"), std::string(256, 'k'), std::string("ü 😀 \" \\ /"), std::string("\x7f")})
    EXPECT_NE(edit(set(good, "1")), "invalid") << good;
  for (std::string const& wrong :
       {std::string(), std::string(257, 'k'), std::string("a\nb"), std::string("\xff"), std::string("a\0b", 3)}) {
    EXPECT_EQ(edit(set(wrong, "1")), "invalid") << wrong;
    EXPECT_EQ(edit(merge(wrong, "1")), "invalid") << wrong;
  }
  EXPECT_EQ(edit(set_all(R"({"":1})")), "invalid");
  EXPECT_EQ(edit(merge_all(R"({"a\n":1})")), "invalid");
  EXPECT_TRUE(json::parse(text()));
}

TEST_F(StateTest, AValueIsBounded) {
  limits.state_value_bytes = 100;
  EXPECT_NE(edit(set("a", "\"" + std::string(98, 'x') + "\"")), "too_large");
  EXPECT_EQ(edit(set("a", "\"" + std::string(99, 'x') + "\"")), "too_large");
  EXPECT_EQ(edit(merge_all("{\"b\":\"" + std::string(99, 'x') + "\"}")), "too_large");
  edit(set("c", "{\"x\":\"" + std::string(50, 'x') + "\"}"));
  EXPECT_EQ(edit(merge("c", "{\"y\":\"" + std::string(50, 'x') + "\"}")), "too_large")
      << "what a merge comes to counts";
  EXPECT_EQ(state.size(), 2U);
}

TEST_F(StateTest, TheNumberOfKeysIsBounded) {
  limits.state_keys = 3;
  edit(set_all(R"({"a":1,"b":2,"c":3})"));
  EXPECT_EQ(edit(set("d", "1")), "too_large");
  EXPECT_NE(edit(set("a", "2")), "too_large") << "what is there may change";
  EXPECT_NE(edit(merge_all(R"({"a":null,"d":1})")), "too_large") << "one goes, one comes";
  EXPECT_EQ(text(), R"({"b":2,"c":3,"d":1})");
  EXPECT_EQ(edit(set_all(R"({"a":1,"b":2,"c":3,"d":4})")), "too_large");
  limits.state_keys = 2;
  EXPECT_NE(edit(set("b", "3")), "too_large") << "over a limit that sank later there is a way back";
  EXPECT_NE(edit(remove("b")), "too_large");
}

TEST_F(StateTest, AllKeysAndValuesTogetherAreBounded) {
  limits.state_bytes = 20;
  EXPECT_NE(edit(set("abcde", "12345")), "too_large");
  EXPECT_EQ(state.bytes(), 10U);
  EXPECT_NE(edit(set("fghij", "67890")), "too_large");
  EXPECT_EQ(state.bytes(), 20U);
  EXPECT_EQ(edit(set("k", "1")), "too_large");
  EXPECT_EQ(edit(set("abcde", "123456")), "too_large");
  EXPECT_NE(edit(set("abcde", "1")), "too_large");
  EXPECT_EQ(state.bytes(), 16U);
  EXPECT_NE(edit(set("xyz", "1")), "too_large");
  EXPECT_EQ(state.bytes(), 20U);
  EXPECT_NE(edit(set_all(R"({"abcdefghij":1234567890})")), "too_large") << "what goes makes room";
  EXPECT_EQ(state.bytes(), 20U);
  EXPECT_NE(edit(remove_all()), "too_large");
  EXPECT_EQ(state.bytes(), 0U);
}

TEST_F(StateTest, AppliesToAnEmptyStateWhatRemovesNothing) {
  StateChange change;
  change.removed.push_back("nobody");
  state.apply(change, 5);
  EXPECT_EQ(text(), "{}");
  EXPECT_EQ(state.revision(), 5U);
}

TEST(StateChange, IsWrittenAsJson) {
  EXPECT_EQ(to_text(StateChange{}), R"({"set":{},"removed":[]})");
  EXPECT_EQ(to_text(StateChange{{{"a\"b", "1"}, {"c", "[2]"}}, {"d", "e\n"}}),
            R"({"set":{"a\"b":1,"c":[2]},"removed":["d","e\n"]})");
}

}  // namespace
}  // namespace sojourn
