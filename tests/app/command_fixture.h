#pragma once
// A world for one command: streams that a test reads, a clock that stands still, a folder of its own.
// Thread: the test's.

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "app/question.h"
#include "app/temporary_folder.h"
#include "app/terminal.h"
#include "net/scripted_server.h"

namespace sojourn::test {

class CommandFixture : public testing::Test {
 protected:
  CommandFixture() : terminal_{in_, out_, err_, {{"HOME", folder_.path()}}, Clock(now_), nullptr} {
    now_.utc_us = 1771961056500000;  // 2026-02-24T19:24:16.500Z
  }

  static Target target(ScriptedServer const& server, bool json = false) { return {server.url(), {}, json}; }

  // "65: the message"
  static std::string failure(Result<> const& done) {
    return done ? "done" : std::to_string(row(done.error().code).exit_code) + ": " + done.error().message;
  }

  // What standard output has got since the last time.
  std::string take_out() {
    auto text = out_.str();
    out_.str("");
    return text;
  }

  TemporaryFolder folder_;
  Moment now_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  Terminal terminal_;
};

// The first line of a request: "GET /path HTTP/1.1".
inline std::string first_line(std::string const& request) { return request.substr(0, request.find("\r\n")); }

inline std::string body_of(std::string const& request) { return request.substr(request.find("\r\n\r\n") + 4); }

}  // namespace sojourn::test
