// A desk with one session of alice's, and the few things that tests of its upkeep do with it. One thread.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "support/desk.h"

namespace sojourn::test {

inline constexpr std::int64_t second_us = 1'000'000;

class UpkeepTest : public testing::Test {
 protected:
  void SetUp() override { open({}); }

  // A new desk with one session of alice's, which `wish` says more of.
  void open(DeskSetup setup, std::string wish = "{}") {
    desk = std::make_unique<Desk>(std::move(setup));
    id = open_another(std::move(wish));
  }
  std::string open_another(std::string wish = "{}") {
    auto const body = json::parse(desk->ask("POST", "/api/v1/sessions", std::move(wish), as("alice")).body());
    return std::string(body->at("session_id").as_string());
  }
  Fields as(std::string user, Scope scope = Scope::write) const { return {Desk::bearer(desk->mint(user, scope))}; }
  // Of a session token that alice hands out.
  Fields guest(std::string wish) {
    auto const body = json::parse(desk->ask("POST", path("/tokens"), std::move(wish), as("alice")).body());
    return {Desk::bearer(std::string(body->at("token").as_string()))};
  }
  std::string path(std::string_view rest = "") const { return "/api/v1/sessions/" + id + std::string(rest); }
  Ask& get(std::string_view rest) { return desk->ask("GET", path(rest), {}, as("alice")); }
  Ask& post(std::string_view rest, std::string body = {}) {
    return desk->ask("POST", path(rest), std::move(body), as("alice"));
  }
  void put(std::string_view key, std::string value) {
    ASSERT_EQ(desk->ask("PUT", path("/state/" + std::string(key)), std::move(value), as("alice")).status(), 200);
  }
  std::string state() {
    auto const body = json::parse(get("/state").body());
    return json::to_text(body->at("state"));
  }
  // The types of the log's events.
  std::string log() {
    std::string out;
    auto const page = parsed(get("/events"));
    for (auto const& event : page.at("events").as_array()) out += std::string(event.at("type").as_string()) + " ";
    return out;
  }
  // With the dot.
  std::string epoch() {
    auto const cursor = std::string(json::parse(get("").body())->at("cursor").as_string());
    return cursor.substr(0, cursor.find('.') + 1);
  }
  static json::value parsed(Ask const& asked) {
    auto value = json::parse(asked.body());
    return value ? std::move(*value) : json::value();
  }
  static std::string refused(std::string_view detail, std::string_view code, std::string_view word = {}) {
    std::string out = "{\"detail\":\"" + std::string(detail) + "\",\"code\":\"" + std::string(code) + "\"";
    return word.empty() ? out + "}" : out + ",\"error_code\":\"" + std::string(word) + "\"}";
  }

  std::unique_ptr<Desk> desk;
  std::string id;
};

}  // namespace sojourn::test
