#include "api/function_input.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sojourn {
namespace {

json::object object(std::string_view text) { return json::parse(text)->as_object(); }

// The input as text, or "FIELD: MESSAGE".
std::string read(Function function, std::string_view given) {
  auto const input = read_input(function, object(given));
  if (input) return json::to_text(*input);
  EXPECT_EQ(input.error().code, Code::unprocessable);
  return input.error().field + ": " + input.error().message;
}

json::object valid(Function function, std::string_view given) {
  auto input = read_input(function, object(given));
  EXPECT_TRUE(input) << (input ? "" : input.error().message);
  return input ? *input : json::object();
}

TEST(FunctionInput, EveryDefaultIsFilledIn) {
  EXPECT_EQ(read(Function::interact, R"({"action":"back"})"),
            R"({"action":"back","ref":null,"text":null,"direction":null,"scroll_amount":400,"wait_ms":1000,)"
            R"("url":null,"target_ref":null,"file_paths":null,"screenshot":true,"snapshot":"full","timeout_ms":null})");
  EXPECT_EQ(read(Function::screenshot, "{}"), R"({"full_page":false,"format":"png"})");
  EXPECT_EQ(read(Function::execute, R"({"code":"1"})"), R"({"code":"1","screenshot":true,"timeout_ms":30000})");
  EXPECT_EQ(read(Function::close, "{}"), "{}");
  EXPECT_EQ(read(Function::snapshot, R"({"diff":true})"),
            R"({"interactive_only":true,"scope":null,"max_elements":0,"max_chars":0,"diff":true,"screenshot":false})");
}

TEST(FunctionInput, WhatASessionsBrowserIsStaysWhereItIsNotSaid) {
  EXPECT_EQ(read(Function::open, R"({"url":"a.test","height":600})"),
            R"({"url":"a.test","width":null,"height":600,"user_agent":null,"record_video":null,"show_cursor":null,)"
            R"("proxy_url":null,"proxy_username":null,"proxy_password":null,"locale":null,"time_zone":null,)"
            R"("isolation":null,"browser":null,"screenshot":true,"snapshot":"full","timeout_ms":30000})");
}

TEST(FunctionInput, NullIsNotGiven) {
  EXPECT_EQ(read(Function::screenshot, R"({"full_page":null})"), R"({"full_page":false,"format":"png"})");
  EXPECT_EQ(read(Function::open, R"({"url":null})"), "body.url: url has to be given");
}

TEST(FunctionInput, WhatIsMissingIsNamedUnlessThePageJudgesIt) {
  EXPECT_EQ(read(Function::open, "{}"), "body.url: url has to be given");
  EXPECT_EQ(read(Function::interact, "{}"), "body.action: action has to be given");
  EXPECT_EQ(read(Function::execute, "{}"), "body.code: code has to be given");
  for (auto const* const action : {"type", "fill", "press", "select", "drag", "upload", "goto", "click"})
    EXPECT_TRUE(read_input(Function::interact, {{"action", action}})) << action;
}

TEST(FunctionInput, WrongValuesAreRefusedWithWhatTheyHaveToBe) {
  struct Row {
    Function function;
    std::string_view given;
    std::string_view refusal;
  };
  for (auto const& each : {
           Row{Function::interact, R"({"action":"clik"})",
               "body.action: action has to be click, dblclick, fill, type, press, select, hover, check, uncheck, drag, "
               "upload, scroll, back, wait or goto"},
           Row{Function::interact, R"({"action":1})",
               "body.action: action has to be click, dblclick, fill, type, press, select, hover, check, uncheck, drag, "
               "upload, scroll, back, wait or goto"},
           Row{Function::interact, R"({"action":"scroll","direction":"down "})",
               "body.direction: direction has to be up, down, left or right"},
           Row{Function::interact, R"({"action":"click","ref":1})", "body.ref: ref has to be a text"},
           Row{Function::interact, R"({"action":"click","ref":"a\nb"})",
               "body.ref: ref has to be a text of one line, without control characters"},
           Row{Function::interact, R"({"action":"wait","wait_ms":-1})",
               "body.wait_ms: wait_ms has to be a whole number from 0 to 300000"},
           Row{Function::interact, R"({"action":"wait","wait_ms":1.5})",
               "body.wait_ms: wait_ms has to be a whole number from 0 to 300000"},
           Row{Function::interact, R"({"action":"upload","file_paths":"a"})",
               "body.file_paths: file_paths has to be a list of at most 100 paths or file objects"},
           Row{Function::interact, R"({"action":"upload","file_paths":[1]})",
               "body.file_paths: file_paths has to be a list of at most 100 paths or file objects"},
           Row{Function::open, R"({"url":["a"]})", "body.url: url has to be a text"},
           Row{Function::open, R"({"url":"a","width":0})",
               "body.width: width has to be a whole number from 16 to 8192"},
           Row{Function::open, R"({"url":"a","width":99999999999999999999})",
               "body.width: width has to be a whole number from 16 to 8192"},
           Row{Function::open, R"({"url":"a","height":"720"})",
               "body.height: height has to be a whole number from 16 to 8192"},
           Row{Function::open, R"({"url":"a","record_video":"yes"})",
               "body.record_video: record_video has to be true or false"},
           Row{Function::open, R"({"url":"a","locale":"de_DE"})",
               "body.locale: locale has to be a language tag such as de-DE"},
           Row{Function::open, R"({"url":"a","time_zone":"/etc/passwd"})",
               "body.time_zone: time_zone has to be the name of a time zone such as Europe/Berlin"},
           Row{Function::open, R"({"url":"a","isolation":"alone"})",
               "body.isolation: isolation has to be context or process"},
           Row{Function::open, R"({"url":"a","user_agent":"a\r\nb: c"})",
               "body.user_agent: user_agent has to be a text of one line, without control characters"},
       })
    EXPECT_EQ(read(each.function, each.given), each.refusal) << each.given;
}

TEST(FunctionInput, AWholeNumberMayBeWrittenWithAFraction) {
  EXPECT_EQ(valid(Function::open, R"({"url":"a","width":800.0})").at("width"), json::value(800));
  EXPECT_EQ(valid(Function::interact, R"({"action":"scroll","scroll_amount":-400})").at("scroll_amount"),
            json::value(-400));
}

TEST(FunctionInput, TextsAreBounded) {
  auto const of = [](std::size_t bytes) { return R"({"action":"click","ref":")" + std::string(bytes, 'x') + "\"}"; };
  EXPECT_TRUE(read_input(Function::interact, object(of(2048))));
  EXPECT_EQ(read(Function::interact, of(2049)), "body.ref: ref has to be a text of at most 2048 bytes");
  json::array many(101, "a");
  EXPECT_FALSE(read_input(Function::interact, {{"action", "upload"}, {"file_paths", many}}));
}

TEST(FunctionInput, AFileIsAPathOrAnObject) {
  auto const input = valid(Function::interact, R"({"action":"upload","file_paths":["a.txt",{"uri":"data:,x"}]})");
  EXPECT_EQ(json::to_text(input.at("file_paths")), R"(["a.txt",{"uri":"data:,x"}])");
}

TEST(FunctionInput, UnknownMembersAreRefusedWithTheKnownOnes) {
  EXPECT_EQ(read(Function::screenshot, R"({"fullpage":true})"),
            "body.fullpage: fullpage is not known here; known are full_page, format");
  EXPECT_EQ(read(Function::close, R"({"force":true})"), "body.force: force is not known here; nothing is");
  EXPECT_EQ(read(Function::close, "{\"" + std::string(100, 'x') + "\":1}"),
            "body." + std::string(64, 'x') + ": " + std::string(64, 'x') + " is not known here; nothing is");
}

TEST(FunctionInput, INF_06_AProxyMayBeWrittenInOnePiece) {
  auto const proxy = [](std::string_view url) {
    auto const input = read_input(Function::open, {{"url", "a"}, {"proxy_url", url}});
    if (!input) return input.error().message;
    std::string out(input->at("proxy_url").as_string());
    for (auto const* const name : {"proxy_username", "proxy_password"})
      out += " " + std::string(json::find_string(*input, name, "-"));
    return out;
  };
  EXPECT_EQ(proxy("http://proxy.test:8080"), "http://proxy.test:8080 - -");
  EXPECT_EQ(proxy("proxy.test:8080/"), "http://proxy.test:8080 - -");
  EXPECT_EQ(proxy("socks5://[::1]:1080"), "socks5://[::1]:1080 - -");
  EXPECT_EQ(proxy("http://al%40ice:s:t@proxy.test:8080"), "http://proxy.test:8080 al@ice s:t");
  EXPECT_EQ(proxy("http://alice@proxy.test:8080"), "http://proxy.test:8080 alice -");
  for (auto const* const wrong : {"ftp://a:1", "http://", "http://a:1;b:2", "http://a b", "direct://", "http://a:1/x"})
    EXPECT_EQ(proxy(wrong), "proxy_url has to be http://, https://, socks4:// or socks5:// with HOST:PORT") << wrong;
  auto const input = valid(Function::open, R"({"url":"a","proxy_url":"http://x:y@h:1","proxy_username":"bob"})");
  EXPECT_EQ(input.at("proxy_username"), "bob") << "what is said beside it counts more";
}

TEST(BrowserWishes, INF_06_AreReadFromTheInputOfOpen) {
  auto const wish = to_wish(valid(Function::open, R"({"url":"a","width":800,"height":600,"user_agent":"Me/1",
      "record_video":true,"show_cursor":true,"proxy_url":"http://p:1","proxy_username":"u","proxy_password":"s",
      "locale":"de-DE","time_zone":"Europe/Berlin","isolation":"process","browser":"full"})"));
  BrowserWish const expected{800,  600,  "Me/1", "de-DE", "Europe/Berlin", "http://p:1", "u", "s",
                             true, true, true,   true};
  EXPECT_EQ(wish, expected);
  EXPECT_EQ(to_wish(valid(Function::open, R"({"url":"a"})")), BrowserWish{});
}

TEST(BrowserWishes, MayStandAloneAndAreNamedWithTheirPlace) {
  auto const wish = read_wish(object(R"({"width":800,"locale":"fr"})"));
  ASSERT_TRUE(wish);
  BrowserWish expected;
  expected.width = 800;
  expected.locale = "fr";
  EXPECT_EQ(*wish, expected);
  EXPECT_EQ(*read_wish({}), BrowserWish{});
  struct Row {
    std::string_view given;
    std::string_view field;
  };
  for (auto const& each : {Row{R"({"width":"x"})", "body.browser.width"}, Row{R"({"url":"a"})", "body.browser.url"},
                           Row{R"({"proxy_url":"x y"})", "body.browser.proxy_url"}}) {
    auto const refused = read_wish(object(each.given));
    ASSERT_FALSE(refused) << each.given;
    EXPECT_EQ(refused.error().field, each.field);
  }
}

TEST(NoteOf, TellsWhatWasGivenAndIsNoSecret) {
  EXPECT_EQ(note_of(Function::interact, valid(Function::interact, R"({"action":"fill","ref":"@e3","text":"secret"})")),
            R"({"action":"fill","ref":"@e3"})");
  EXPECT_EQ(note_of(Function::execute, valid(Function::execute, R"({"code":"alert"})")), "{}");
  EXPECT_EQ(note_of(Function::open, valid(Function::open, R"({"url":"https://a.test/x","width":800,
      "user_agent":"Me","proxy_url":"http://u:p@h:1"})")),
            R"({"url":"https://a.test/x","width":800})");
}

TEST(NoteOf, AddressesHaveNoCredentialsAndAreShort) {
  auto const noted = [](std::string_view url) {
    auto const input = read_input(Function::open, {{"url", url}});
    return std::string(json::parse(note_of(Function::open, *input))->at("url").as_string());
  };
  EXPECT_EQ(noted("https://me:secret@a.test/?q=a@b"), "https://a.test/?q=a@b");
  EXPECT_EQ(noted("me:secret@a.test"), "a.test");
  EXPECT_EQ(noted("a.test/x@y"), "a.test/x@y");
  EXPECT_EQ(noted("data:text/html,<b>secret</b>"), "data:text/html");
  EXPECT_EQ(noted("data:secret"), "data:secret") << "without a comma there is no content";
  EXPECT_EQ(noted("https://a.test/" + std::string(600, 'x')), "https://a.test/" + std::string(497, 'x') + "...");
  std::string wide = "https://a.test/";
  while (wide.size() < 700) wide += "\xc3\xbc";
  EXPECT_EQ(noted(wide).size(), 514u) << "no character is cut in two";
}

TEST(TimeoutOf, CoversTheActionAndItsTurn) {
  auto const seconds = [](Function function, std::string_view given) {
    return timeout_us_of(function, valid(function, given)) / 1'000'000;
  };
  EXPECT_EQ(seconds(Function::open, R"({"url":"a"})"), 60);
  EXPECT_EQ(seconds(Function::open, R"({"url":"a","timeout_ms":300000})"), 330);
  EXPECT_EQ(seconds(Function::interact, R"({"action":"click"})"), 35);
  EXPECT_EQ(seconds(Function::interact, R"({"action":"goto"})"), 60);
  EXPECT_EQ(seconds(Function::interact, R"({"action":"wait","wait_ms":100000})"), 130);
  EXPECT_EQ(seconds(Function::interact, R"({"action":"click","timeout_ms":60000})"), 90);
  EXPECT_EQ(seconds(Function::execute, R"({"code":"1"})"), 60);
  EXPECT_EQ(seconds(Function::snapshot, "{}"), 30);
  EXPECT_EQ(seconds(Function::screenshot, "{}"), 30);
  EXPECT_EQ(seconds(Function::close, "{}"), 30);
}

}  // namespace
}  // namespace sojourn
