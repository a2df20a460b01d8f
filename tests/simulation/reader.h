// How a reader listens: each line is held against the model's log. Whatever way it came in, it hears each durable event
// once and in order, or one gap with a snapshot; folding what it hears over what it began with gives the state.
// Invariant: a line that nobody wrote, or that comes twice, out of order or too early, is a fault. One thread.
#pragma once

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/hub_model.h"

namespace sojourn {

class Listening {
 public:
  // `kept_seq` of the session: nothing later may be heard.
  Listening(Reader& reader, std::uint64_t kept_seq) : reader_(reader), session_(*reader.session), kept_seq_(kept_seq) {}

  // What is wrong with the greeting, or nothing.
  std::string greet(std::string_view text) {
    if (reader_.is_greeted) return "greeted twice: " + std::string(text);
    reader_.is_greeted = true;
    if (!take(text, "welcome " + std::to_string(reader_.id) + " to " + session_.id)) return "a strange greeting";
    if (!reader_.instead.empty() && !take(text, reader_.instead)) return "no word of why: " + std::string(text);
    if (take(text, " after " + reader_.since)) {
      if (!text.empty() || !reader_.may_resume) return "resumed: " + std::string(text);
      auto const cursor = to_cursor(reader_.since, session_.epoch);
      reader_.place = cursor->seq;
      reader_.state = session_.state_at(cursor->seq);
      return {};
    }
    if (reader_.must_resume) return "a gap where everything is there: " + std::string(text);
    reader_.is_live = true;
    return take_snapshot(text, reader_.since, reader_.greeted_at);
  }

  // What is wrong with a line, or nothing.
  std::string hear(std::string const& line) {
    if (!reader_.is_open) return "heard after its goodbye: " + line;
    if (reader_.heard_end) return "heard after the end: " + line;
    if (line.starts_with("run ")) return hear_call(line);
    if (line.starts_with("0 ")) return hear_fleeting(line.substr(2));
    if (line.starts_with("welcome ")) return hear_gap(line);
    return hear_event(line);
  }

 private:
  static constexpr std::uint64_t any_seq = UINT64_MAX;

  static bool take(std::string_view& text, std::string_view beginning) {
    if (!text.starts_with(beginning)) return false;
    text.remove_prefix(beginning.size());
    return true;
  }
  static bool take_number(std::string_view& text, std::uint64_t& number) {
    auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return ec == std::errc();
  }

  // " with a gap after CURSOR at 12 with {}"; any_seq: of any moment after its place.
  std::string take_snapshot(std::string_view text, std::string const& since, std::uint64_t seq) {
    std::string const all(text);
    std::uint64_t at = 0;
    if (!since.empty() && !take(text, " with a gap after " + since)) return "no gap: " + all;
    if (!take(text, " at ") || !take_number(text, at) || !take(text, " with ")) return "a strange snapshot: " + all;
    if (seq == any_seq ? at <= reader_.place : at != seq) return "a snapshot of another moment: " + all;
    if (at > kept_seq_) return "a snapshot too early: " + all;
    reader_.place = at;
    reader_.state = to_state(text);
    if (reader_.state != session_.state_at(at)) return "another state: " + all;
    return {};
  }

  std::string hear_gap(std::string_view line) {
    if (reader_.is_live) return "a gap for who misses nothing: " + std::string(line);
    auto const since = sojourn::to_text(Cursor{session_.epoch, reader_.place});
    if (!take(line, "welcome " + std::to_string(reader_.id) + " to " + session_.id)) return "a strange gap";
    return take_snapshot(line, since, any_seq);
  }

  std::string hear_fleeting(std::string const& words) {
    for (auto at = reader_.fleeting; at < session_.fleeting.size(); ++at) {
      if (!agrees(session_.fleeting[at], words)) continue;
      reader_.fleeting = at + 1;
      return {};
    }
    return "a volatile event that is not to be heard (any more): " + words;
  }

  std::string hear_call(std::string const& line) {
    if (reader_.asked.empty()) return "asked for nothing: " + line;
    auto const call = reader_.asked.front();
    reader_.asked.pop_front();
    call->request_id = line.substr(line.rfind(' ') + 1);
    return line.starts_with("run ") && call->request_id.size() == 8 ? "" : "a strange call: " + line;
  }

  std::string hear_event(std::string const& line) {
    std::string_view rest = line;
    std::uint64_t first = 0, last = 0;
    if (!take_number(rest, first)) return "a strange line: " + line;
    last = first;
    if (take(rest, "-") && (!take_number(rest, last) || last <= first)) return "a strange line: " + line;
    if (!take(rest, " ")) return "a strange line: " + line;
    if (first != reader_.place + 1) return "not the next after " + std::to_string(reader_.place) + ": " + line;
    if (last > session_.last_seq()) return "nobody wrote " + line;
    if (last > kept_seq_) return "shown before it was kept: " + line;
    auto const& event = session_.log[last - 1];
    reader_.place = last;
    reader_.heard_end = rest.starts_with("session.closed");
    if (event.changes_state) return hear_change({first, last}, std::string(rest));
    if (first != last) return "several as one: " + line;
    if (event.call) {
      event.call->request_id = std::string(rest.substr(rest.rfind(' ') + 1));
      if (event.call->request_id.size() != 8) return "a strange request id: " + line;
      rest = rest.substr(0, rest.rfind(' ') + 1);
    }
    return agrees(event.words, std::string(rest)) ? "" : "expected " + event.words + ", got " + line;
  }

  // "session.state FROM DATA ID", of the last of them.
  std::string hear_change(std::pair<std::uint64_t, std::uint64_t> range, std::string const& words) {
    for (auto seq = range.first; seq <= range.second; ++seq) {
      if (!session_.log[seq - 1].changes_state) return "something that is no change is shown as one: " + words;
    }
    auto const begin = words.find('{');
    auto const end = words.rfind('}') + 1;
    auto const change = json::parse(std::string_view(words).substr(begin, end - begin));
    if (!change) return "a change that is no JSON: " + words;
    if (words.substr(0, begin) + words.substr(end) != session_.log[range.second - 1].words)
      return "expected " + session_.log[range.second - 1].words + ", got " + words;
    for (auto const& key : change->at("removed").as_array()) reader_.state.erase(std::string(key.as_string()));
    for (auto const& [key, value] : change->at("set").as_object()) reader_.state[std::string(key)] = value;
    return reader_.state == session_.state_at(range.second) ? "" : "folds to another state: " + words;
  }

  Reader& reader_;
  ModelSession& session_;
  std::uint64_t kept_seq_;
};

}  // namespace sojourn
