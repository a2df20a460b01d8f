#include "api/tabs.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "app/temporary_folder.h"
#include "support/desk.h"

namespace sojourn {
namespace {

using test::Ask;
using test::Desk;
using test::Line;

constexpr std::string_view now_ms = "1771960936015";

class TabsTest : public testing::Test {
 protected:
  std::string path(std::string_view rest) const { return "/api/browser/" + line.session() + std::string(rest); }
  // Starts a call; its frame is what the browser heard.
  Ask& begin(std::string method, std::string_view rest, std::string body = {}) {
    test::Fields fields;
    if (!body.empty()) fields.emplace_back("Content-Type", "application/json");
    auto& asked = desk.begin(std::move(method), path(rest), std::move(body), std::move(fields));
    desk.turn();
    auto const lines = line.outlet.take_lines();
    frame = lines.empty() ? "" : lines.back();
    auto const at = frame.find("\"requestId\":\"");
    request_id = at == frame.npos ? "" : frame.substr(at + 13, 8);
    return asked;
  }
  void answer(std::string_view tail) {
    desk.say(line, "{\"type\":\"x.response\",\"requestId\":\"" + request_id + "\"" + std::string(tail) + "}");
  }
  std::string success(std::string_view result, std::string_view more = "") const {
    return "{\"success\":true,\"sessionId\":\"" + line.session() + "\",\"requestId\":\"" + request_id +
           "\",\"result\":" + std::string(result) + std::string(more) + ",\"timestamp\":" + std::string(now_ms) + "}";
  }
  static std::string failure(std::string_view message, std::string_view at_ms = now_ms) {
    return "{\"success\":false,\"error\":\"" + std::string(message) + "\",\"timestamp\":" + std::string(at_ms) + "}";
  }

  test::TemporaryFolder folder;
  std::string media = folder.path() + "/media";
  Desk desk{media};
  Line& line = desk.connect();
  std::string frame;
  std::string request_id;
};

struct Row {
  std::string_view method;
  std::string_view path;
  std::string_view body;
  std::string_view type;
  std::string_view data;
};

TEST_F(TabsTest, BTW_34_EveryOperationBecomesItsFrame) {
  for (auto const& row : {
           Row{"POST", "/tabs/create", "{\"url\":\"https://a.test\"}", "tabs.createTab",
               "{\"url\":\"https://a.test\"}"},
           Row{"POST", "/tabs/create", "{}", "tabs.createTab", "{\"url\":\"chrome://newtab\"}"},
           Row{"POST", "/tabs/create", "", "tabs.createTab", "{\"url\":\"chrome://newtab\"}"},
           Row{"GET", "/tabs", "", "tabs.query", "{}"},
           Row{"PATCH", "/tabs/12", "{\"muted\":true,\"other\":1}", "tabs.update", "{\"tabId\":12,\"muted\":true}"},
           Row{"DELETE", "/tabs/12", "", "tabs.closeTab", "{\"tabId\":12}"},
           Row{"POST", "/tabs/12/reload", "", "tabs.reload", "{\"tabId\":12}"},
           Row{"POST", "/tabs/12/back", "{}", "tabs.goBack", "{\"tabId\":12}"},
           Row{"POST", "/tabs/12/forward", "", "tabs.goForward", "{\"tabId\":12}"},
           Row{"POST", "/tabs/12/execute", "{\"code\":\"1\",\"args\":[1]}", "tabs.executeScript",
               "{\"tabId\":12,\"code\":\"1\",\"args\":[1]}"},
           Row{"POST", "/tabs/12/click", "{\"selector\":\"#a\"}", "tabs.click", "{\"tabId\":12,\"selector\":\"#a\"}"},
           Row{"POST", "/tabs/12/type", "{\"selector\":\"#a\",\"text\":\"\"}", "tabs.type",
               "{\"tabId\":12,\"selector\":\"#a\",\"text\":\"\",\"delay\":50}"},
           Row{"POST", "/tabs/12/type", "{\"selector\":\"#a\",\"text\":\"b\",\"delay\":0}", "tabs.type",
               "{\"tabId\":12,\"selector\":\"#a\",\"text\":\"b\",\"delay\":0}"},
           Row{"POST", "/tabs/12/fill", "{\"selector\":\"#a\",\"text\":\"b\"}", "tabs.fill",
               "{\"tabId\":12,\"selector\":\"#a\",\"text\":\"b\"}"},
           Row{"POST", "/tabs/12/scrape", "{\"selector\":\"li\",\"fields\":{\"t\":\"a::href\"}}", "tabs.scrape",
               "{\"tabId\":12,\"selector\":\"li\",\"fields\":{\"t\":\"a::href\"}}"},
           Row{"POST", "/tabs/12/scroll", "", "tabs.scroll", "{\"tabId\":12,\"direction\":\"down\",\"amount\":500}"},
           Row{"POST", "/tabs/capture", "", "tabs.captureVisibleTab",
               "{\"windowId\":-2,\"format\":\"png\",\"quality\":90}"},
       }) {
    auto& asked = begin(std::string(row.method), row.path, std::string(row.body));
    EXPECT_EQ(frame, "{\"type\":\"" + std::string(row.type) + "\",\"requestId\":\"" + request_id +
                         "\",\"sessionId\":\"" + line.session() + "\",\"data\":" + std::string(row.data) +
                         ",\"from\":\"server\",\"timestamp\":" + std::string(now_ms) + "}");
    EXPECT_EQ(request_id.find_first_not_of("0123456789abcdef"), request_id.npos);
    EXPECT_FALSE(asked.is_answered()) << "it waits for the browser";
    answer(",\"success\":false,\"error\":\"enough\"");
    EXPECT_EQ(asked.status(), 500);
    EXPECT_EQ(asked.body(), failure("enough"));
  }
}

TEST_F(TabsTest, BTW_34_ResultsArePassedOnAsTheyAre) {
  for (std::string_view const result : {"{\"tabId\":12}", "[]", "null", "0", "false", "\"text\"", "{\"success\":false}",
                                        "{\"n\":9007199254740993,\"d\":12.99}"}) {
    auto& asked = begin("GET", "/tabs");
    answer(",\"success\":true,\"result\":" + std::string(result));
    EXPECT_EQ(asked.status(), 200);
    EXPECT_EQ(asked.body(), success(result));
  }
  auto& bare = begin("POST", "/tabs/12/reload");
  answer(",\"success\":true");
  EXPECT_EQ(bare.body(), success("null"));
}

// The documented system took every answer for a success.
TEST_F(TabsTest, AFailureIsNeverASuccess) {
  struct Case {
    std::string_view tail;
    std::string_view error;  // empty = success
  };
  for (auto const& each : {
           Case{",\"success\":true", ""},
           Case{",\"result\":1", ""},
           Case{"", ""},
           Case{",\"success\":false", "the extension reported a failure without a reason"},
           Case{",\"success\":false,\"result\":1", "the extension reported a failure without a reason"},
           Case{",\"success\":false,\"error\":\"no tab\"", "no tab"},
           Case{",\"success\":false,\"error\":\"\"", "the extension reported a failure without a reason"},
           Case{",\"error\":\"no tab\"", "no tab"},
           Case{",\"error\":\"no tab\",\"result\":1", "no tab"},
           Case{",\"success\":null,\"error\":\"no tab\"", "no tab"},
           Case{",\"success\":null", "the extension reported a failure without a reason"},
           Case{",\"success\":0", "the extension reported a failure without a reason"},
           Case{",\"success\":1", "the extension reported a failure without a reason"},
           Case{",\"success\":\"true\"", "the extension reported a failure without a reason"},
           Case{",\"success\":false,\"error\":{\"code\":1}", "{\\\"code\\\":1}"},
       }) {
    auto& asked = begin("POST", "/tabs/12/click", "{\"selector\":\"#a\"}");
    answer(each.tail);
    ASSERT_EQ(asked.answers(), 1) << each.tail;
    EXPECT_EQ(asked.status(), each.error.empty() ? 200 : 500) << each.tail;
    EXPECT_EQ(asked.body(), each.error.empty() ? success(each.tail.find("result") == each.tail.npos ? "null" : "1")
                                               : failure(each.error));
  }
}

TEST_F(TabsTest, MissingAndWrongFieldsAreNamed) {
  struct Case {
    std::string_view path;
    std::string_view body;
    std::string_view error;
  };
  for (auto const& each : {
           Case{"/tabs/12/click", "{}", "selector is required"},
           Case{"/tabs/12/click", "", "selector is required"},
           Case{"/tabs/12/click", "{\"selector\":\"\"}", "selector is required"},
           Case{"/tabs/12/click", "{\"selector\":5}", "selector is required"},
           Case{"/tabs/12/click", "{\"selector\":null}", "selector is required"},
           Case{"/tabs/12/type", "{\"selector\":\"#a\"}", "text is required"},
           Case{"/tabs/12/type", "{\"text\":\"a\"}", "selector is required"},
           Case{"/tabs/12/fill", "{\"selector\":\"#a\",\"text\":5}", "text is required"},
           Case{"/tabs/12/scrape", "{\"fields\":{}}", "selector is required"},
           Case{"/tabs/12/execute", "{\"args\":[]}", "code is required"},
           Case{"/tabs/12/execute", "{\"code\":\"\"}", "code is required"},
           Case{"/tabs/12/click", "[1]", "Invalid message format"},
           Case{"/tabs/12/click", "{", "Invalid message format"},
           Case{"/tabs/abc/click", "{\"selector\":\"#a\"}", "tabId must be a number"},
           Case{"/tabs/12x/click", "{\"selector\":\"#a\"}", "tabId must be a number"},
           Case{"/tabs/1.5/click", "{\"selector\":\"#a\"}", "tabId must be a number"},
           Case{"/tabs/99999999999999999999/click", "{\"selector\":\"#a\"}", "tabId must be a number"},
       }) {
    auto& asked = begin("POST", each.path, std::string(each.body));
    EXPECT_EQ(asked.status(), 400) << each.path << each.body;
    EXPECT_EQ(asked.body(), "{\"error\":\"" + std::string(each.error) + "\"}");
    EXPECT_EQ(frame, "") << "the browser hears nothing of it";
  }
}

TEST_F(TabsTest, AnUnknownSessionIsSaidBeforeWhatIsMissing) {
  auto const& unknown = desk.ask("POST", "/api/browser/ext_000000000000/tabs/12/click", "{}");
  EXPECT_EQ(unknown.status(), 404);
  EXPECT_EQ(unknown.body(), "{\"error\":\"Session not found\"}");
  EXPECT_EQ(desk.ask("POST", "/api/browser/ext_000000000000/tabs/x/reload").status(), 404);
  EXPECT_EQ(desk.ask("GET", "/api/browser/ext_000000000000/tabs").status(), 404);
  EXPECT_EQ(desk.ask("GET", "/api/browser//tabs").body(), "{\"error\":\"Endpoint not found\"}");
  desk.say_goodbye(line);
  auto& gone = begin("GET", "/tabs");
  EXPECT_EQ(gone.status(), 503);
  EXPECT_EQ(gone.body(), "{\"error\":\"Session is not connected\"}");
}

TEST_F(TabsTest, SilenceIsATimeoutWithItsOwnWords) {
  for (auto const& operation : Tabs::operations()) {
    std::string rest(operation.pattern.substr(std::string_view("/api/browser/:id").size()));
    if (auto const at = rest.find(":tab"); at != rest.npos) rest.replace(at, 4, "12");
    auto const body = operation.method == "POST" ? "{\"selector\":\"a\",\"text\":\"b\",\"code\":\"c\"}" : "";
    auto const started = desk.stage.clock.now();
    auto& asked = begin(std::string(operation.method), rest, body);
    desk.stage.clock.advance_us(operation.timeout_s * 1'000'000 - 1);
    desk.turn();
    EXPECT_FALSE(asked.is_answered()) << operation.pattern;
    desk.stage.clock.advance_us(1);
    desk.turn();
    ASSERT_TRUE(asked.is_answered()) << operation.pattern;
    EXPECT_EQ(asked.status(), 500);
    EXPECT_EQ(asked.body(),
              failure(operation.timeout_text, std::to_string(to_ms(started.utc_us) + operation.timeout_s * 1000)));
    answer(",\"success\":true");
    EXPECT_EQ(asked.answers(), 1) << "too late";
  }
}

TEST_F(TabsTest, TheDocumentedTimesAreKept) {
  std::string all;
  for (auto const& operation : Tabs::operations())
    all += std::string(operation.frame_type.substr(5)) + " " + std::to_string(operation.timeout_s) + " " +
           std::string(operation.timeout_text) + "\n";
  EXPECT_EQ(all,
            "createTab 30 Operation timeout\nquery 30 Operation timeout\nupdate 30 Operation timeout\n"
            "closeTab 10 Operation timeout\nreload 10 Operation timeout\ngoBack 10 Operation timeout\n"
            "goForward 10 Operation timeout\nexecuteScript 30 Operation timeout\nclick 10 Operation timeout\n"
            "type 10 Operation timeout\nfill 10 Operation timeout\nscrape 30 Scrape timeout\n"
            "scroll 10 Operation timeout\ncaptureVisibleTab 10 Capture timeout\n");
}

TEST_F(TabsTest, CallsEndWhenTheBrowserLeaves) {
  auto& asked = begin("GET", "/tabs");
  auto& other = begin("POST", "/tabs/1/reload");
  desk.leave(line);
  for (auto* each : {&asked, &other}) {
    EXPECT_EQ(each->status(), 503);
    EXPECT_EQ(each->body(), "{\"error\":\"Session is not connected\"}");
    EXPECT_EQ(each->answers(), 1);
  }
}

TEST_F(TabsTest, OnlyTheAskedBrowserMayAnswer) {
  auto& forger = desk.connect();
  auto& asked = begin("GET", "/tabs");
  desk.say(forger,
           "{\"type\":\"x.response\",\"requestId\":\"" + request_id + "\",\"success\":true,\"result\":\"forged\"}");
  EXPECT_FALSE(asked.is_answered());
  answer(",\"success\":true,\"result\":[]");
  EXPECT_EQ(asked.body(), success("[]"));
  answer(",\"success\":true,\"result\":\"again\"");
  EXPECT_EQ(asked.answers(), 1);
}

TEST_F(TabsTest, TooManyCallsAreRefusedUntilOneIsDone) {
  std::vector<Ask*> waiting;
  for (std::int64_t i = 0; i < Limits().calls; ++i) waiting.push_back(&begin("GET", "/tabs"));
  auto& refused = begin("GET", "/tabs");
  EXPECT_EQ(refused.status(), 429);
  EXPECT_EQ(frame, "");
  EXPECT_FALSE(waiting.front()->is_answered());
}

TEST_F(TabsTest, BTW_34_AScreenshotIsAPrivateFileWithItsBytes) {
  auto& asked = begin("POST", "/tabs/capture", "{\"format\":\"jpeg\"}");
  answer(",\"success\":true,\"result\":{\"dataUrl\":\"data:image/jpeg;base64,/9j/AA==\"}");
  ASSERT_EQ(asked.status(), 200) << asked.body();
  std::vector<std::string> files;
  for (auto const& entry : std::filesystem::directory_iterator(media)) files.push_back(entry.path().string());
  ASSERT_EQ(files.size(), 1u);
  EXPECT_TRUE(files[0].starts_with(media + "/screenshot_" + std::string(now_ms) + "_"));
  EXPECT_TRUE(files[0].ends_with(".jpg"));
  EXPECT_EQ(asked.body(),
            success("{\"dataUrl\":\"data:image/jpeg;base64,/9j/AA==\"}", ",\"filePath\":\"" + files[0] + "\""));
  struct stat status {};
  ASSERT_EQ(stat(files[0].c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  std::ifstream file(files[0], std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), std::string("\xff\xd8\xff\0", 4));
}

TEST_F(TabsTest, AScreenshotWithoutAnImageIsAFailure) {
  for (std::string_view const result :
       {"null", "{}", "\"data:image/png;base64,YQ==\"", "{\"dataUrl\":5}", "{\"dataUrl\":\"\"}",
        "{\"dataUrl\":\"data:image/png;base64,\"}", "{\"dataUrl\":\"data:text/html;base64,YQ==\"}"}) {
    auto& asked = begin("POST", "/tabs/capture");
    answer(",\"success\":true,\"result\":" + std::string(result));
    EXPECT_EQ(asked.status(), 500) << result;
    EXPECT_EQ(asked.body(), failure("the extension sent no image"));
  }
  EXPECT_FALSE(std::filesystem::exists(media)) << "nothing is written";
}

TEST_F(TabsTest, AScreenshotThatCanNotBeKeptIsAFailure) {
  folder.write("media", "a file where a folder should be");
  auto& asked = begin("POST", "/tabs/capture");
  answer(",\"success\":true,\"result\":{\"dataUrl\":\"data:image/png;base64,YQ==\"}");
  EXPECT_EQ(asked.status(), 500);
  EXPECT_TRUE(asked.body().starts_with("{\"success\":false,\"error\":\"can't write the screenshot to "));
}

}  // namespace
}  // namespace sojourn
