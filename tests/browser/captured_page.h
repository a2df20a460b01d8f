// Pages for tests: those that were recorded in a real browser (captures/*.json, by record_captures.mjs), and those that
// PageWriter makes up.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "browser/capture.h"
#include "page_writer.h"

namespace sojourn {

// The captures of tests/browser/captures/<name>.json.
inline std::vector<FrameCapture> recorded(std::string const& name) {
  auto const path = std::filesystem::path(__FILE__).parent_path() / "captures" / (name + ".json");
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  auto const parsed = json::parse(text.str());
  if (!parsed) throw std::runtime_error("no recording: " + path.string());
  std::vector<FrameCapture> captures;
  for (auto const& each : parsed->as_array()) {
    auto const& o = each.as_object();
    FrameCapture capture;
    capture.cdp_session = json::find_string(o, "cdp_session");
    capture.frame_id = json::find_string(o, "frame_id");
    capture.owner_session = json::find_string(o, "owner_session");
    capture.owner_node = o.at("owner_node").as_int64();
    capture.text = json::find_string(o, "text");
    captures.push_back(std::move(capture));
  }
  return captures;
}

inline Capture read_recorded(std::string const& name, CaptureWish const& wish = {}) {
  auto capture = read_captures(recorded(name), {}, wish);
  if (!capture) throw std::runtime_error(capture.error().message);
  return std::move(*capture);
}

inline Capture read_all(std::string const& name) { return read_recorded(name, {Interest::all, {}}); }

// The first element that reads so, or whose name is so; a test fails when there is none.
inline Element find_element(Capture const& capture, std::string_view text) {
  for (auto const& element : capture.elements)
    if (element.text == text) return element;
  for (auto const& element : capture.elements)
    if (element.name == text) return element;
  ADD_FAILURE() << "nothing is called " << text;
  return {};
}

inline std::size_t count_elements(Capture const& capture, std::string_view text) {
  std::size_t count = 0;
  for (auto const& element : capture.elements) count += element.text == text || element.name == text ? 1U : 0U;
  return count;
}

inline FrameCapture main_capture(std::string text) {
  FrameCapture capture;
  capture.cdp_session = "main";
  capture.frame_id = "frame";
  capture.text = std::move(text);
  return capture;
}

inline Capture read_page(std::string text, CaptureWish const& wish = {}) {
  auto capture = read_captures({main_capture(std::move(text))}, {}, wish);
  if (!capture) throw std::runtime_error(capture.error().message);
  return std::move(*capture);
}

}  // namespace sojourn
