#include "core/record.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>

#include "base/crypto.h"
#include "base/json.h"
#include "base/text.h"

namespace sojourn {
namespace {

constexpr std::string_view state_prefix = "state/";
constexpr std::string_view once_prefix = "once/";
constexpr std::size_t once_bytes = 15;

void add(std::string& out, std::string_view name, std::string_view text) {
  out.append(out.empty() ? "{\"" : ",\"").append(name).append("\":");
  json::append_string(out, text);
}

void add(std::string& out, std::string_view name, std::int64_t number) {
  out.append(out.empty() ? "{\"" : ",\"").append(name).append("\":").append(std::to_string(number));
}

void add(std::string& out, std::string_view name, bool truth) {
  out.append(out.empty() ? "{\"" : ",\"").append(name).append(truth ? "\":true" : "\":false");
}

template <typename Number> std::optional<Number> read_number(std::string_view text) {
  Number number = 0;
  auto const* const last = text.data() + text.size();
  auto const [end, ec] = std::from_chars(text.data(), last, number);
  return ec == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

// The members of an object that we wrote; what is missing or of another sort is noticed once, at the end.
class Fields {
 public:
  explicit Fields(std::string_view text) : parsed_(json::parse(text)) { is_good_ = parsed_ && parsed_->is_object(); }

  std::string text(std::string_view name) {
    auto const* const found = find(name);
    if (found != nullptr && found->is_string()) return std::string(found->get_string());
    is_good_ = false;
    return {};
  }
  std::int64_t number(std::string_view name) {
    auto const* const found = find(name);
    if (found != nullptr && found->is_int64()) return found->get_int64();
    is_good_ = false;
    return 0;
  }
  bool truth(std::string_view name) {
    auto const* const found = find(name);
    if (found != nullptr && found->is_bool()) return found->get_bool();
    is_good_ = false;
    return false;
  }
  // One of so many words, by its place among them.
  template <std::size_t Count, typename Kind> Kind word(std::string_view name) {
    auto const given = text(name);
    for (std::size_t i = 0; i < Count; ++i) {
      if (to_word(static_cast<Kind>(i)) == given) return static_cast<Kind>(i);
    }
    is_good_ = false;
    return {};
  }
  bool is_good() const { return is_good_; }

 private:
  json::value const* find(std::string_view name) const {
    return parsed_ && parsed_->is_object() ? parsed_->get_object().if_contains(name) : nullptr;
  }

  Result<json::value> parsed_;
  bool is_good_ = false;
};

std::unique_ptr<Session> read_birth(Record const& record, std::string_view text) {
  Fields fields(text);
  auto const kind = fields.word<session_kinds, SessionKind>("kind");
  auto session = std::make_unique<Session>(record.session_id, kind, static_cast<std::uint32_t>(fields.number("epoch")));
  session->owner = fields.text("owner");
  session->opened_us = fields.number("opened_us");
  session->idle_us = fields.number("idle_us");
  SessionTraits traits{fields.text("client_id"), fields.text("type"), fields.text("metadata"),
                       fields.text("thread_id")};
  bool const is_plain =
      traits.client_id.empty() && traits.type.empty() && traits.metadata.empty() && traits.thread_id.empty();
  if (!is_plain) session->traits = std::make_unique<SessionTraits>(std::move(traits));
  session->active.utc_us = session->opened_us;
  return fields.is_good() ? std::move(session) : nullptr;
}

// `ends_us` of the clock that the mark was made by: UTC.
bool read_seat(Session& session, std::string_view text) {
  Fields fields(text);
  BrowserSeat seat;
  seat.url = fields.text("url");
  seat.title = fields.text("title");
  seat.width = fields.number("width");
  seat.height = fields.number("height");
  seat.calls = static_cast<std::uint64_t>(fields.number("calls"));
  seat.last_call_us = fields.number("last_call_us");
  seat.checkpoint_us = fields.number("checkpoint_us");
  seat.life_us = fields.number("life_us");
  seat.ends_us = fields.number("ends_us");
  if (!fields.is_good() || session.kind != SessionKind::browser) return false;
  session.seat = std::make_unique<BrowserSeat>(std::move(seat));
  return true;
}

bool read_tokens(Session& session, std::string_view text) {
  auto const parsed = json::parse(text);
  if (!parsed || !parsed->is_array()) return false;
  for (auto const& each : parsed->get_array()) {
    Fields fields(json::to_text(each));
    session.tokens.push_back({fields.text("id"), fields.word<4, Scope>("scope"), fields.number("expires_us"),
                              fields.truth("single_use"), fields.truth("used")});
    if (!fields.is_good()) return false;
  }
  return true;
}

bool read_state(Session& session, std::string_view key, std::string_view text) {
  auto value = text;
  auto const revision = read_number<std::uint64_t>(take_until(value, ' '));
  if (!revision || value.empty()) return false;
  session.state.restore(std::string(key), std::string(value), *revision);
  return true;
}

bool read_once(Session& session, std::string_view hash, std::string_view text) {
  auto const seq = read_number<std::uint64_t>(text);
  if (!seq) return false;
  if (!session.said) session.said = std::make_unique<std::unordered_map<std::string, std::uint64_t>>();
  session.said->emplace(hash, *seq);
  return true;
}

bool read_use(Session& session, std::string_view text) {
  auto const parsed = json::parse(text);
  if (!parsed || !parsed->is_object()) return false;
  auto const& object = parsed->get_object();
  auto use = std::make_unique<SessionUse>();
  auto const* const counts = object.if_contains("counts");
  auto const* const recent = object.if_contains("recent");
  auto const* const confidence = object.if_contains("confidence");
  if (counts == nullptr || !counts->is_object() || recent == nullptr || !recent->is_array()) return false;
  for (std::size_t i = 0; i < uses; ++i) {
    auto const* const count = counts->get_object().if_contains(to_word(static_cast<Use>(i)));
    if (count == nullptr || !count->is_int64() || count->get_int64() < 0) return false;
    use->counts[i] = static_cast<std::uint64_t>(count->get_int64());
  }
  for (auto const& each : recent->get_array()) {
    Fields fields(json::to_text(each));
    use->recent.push_back({fields.word<uses, Use>("use"), fields.number("at_us")});
    if (!fields.is_good() || use->recent.size() > SessionUse::recent_max) return false;
  }
  if (confidence != nullptr) {
    if (!confidence->is_number()) return false;
    use->confidence = confidence->to_number<double>();
  }
  session.use = std::move(use);
  return true;
}

bool read_mark(Session& session, std::string_view name, std::string_view value) {
  if (name.starts_with(state_prefix)) return read_state(session, name.substr(state_prefix.size()), value);
  if (name.starts_with(once_prefix)) return read_once(session, name.substr(once_prefix.size()), value);
  if (name == "birth" || name == checkpoint_name) return true;
  if (name == "seat") return read_seat(session, value);
  if (name == "tokens") return read_tokens(session, value);
  if (name == "use") return read_use(session, value);
  auto const number = read_number<std::int64_t>(value);
  if (!number || *number < 0) return false;
  if (name == "revision")
    session.state.restore_revision(static_cast<std::uint64_t>(*number));
  else if (name == "followed")
    session.followed_seq = static_cast<std::uint64_t>(*number);
  else if (name == "seen")
    session.active.utc_us = std::max(session.active.utc_us, *number);
  else
    return false;
  return true;
}

std::optional<Tombstone> read_stone(std::string_view text) {
  Fields fields(text);
  Tombstone stone{fields.text("owner"), fields.truth("expired"), fields.number("at_us"),
                  fields.word<session_kinds, SessionKind>("kind"), fields.truth("crashed")};
  return fields.is_good() ? std::optional(std::move(stone)) : std::nullopt;
}

Error damaged(Record const& record, std::string_view name) {
  return error(Code::damaged, "the stored session " + record.session_id + " has an unreadable " + std::string(name) +
                                  "; restore a backup, or move the data folder away to begin anew");
}

}  // namespace

Mark birth_mark(Session const& session) {
  std::string out;
  add(out, "kind", to_word(session.kind));
  add(out, "owner", session.owner);
  add(out, "epoch", static_cast<std::int64_t>(session.journal.epoch()));
  add(out, "opened_us", session.opened_us);
  add(out, "idle_us", session.idle_us);
  SessionTraits const none;
  auto const& traits = session.traits ? *session.traits : none;
  add(out, "client_id", traits.client_id);
  add(out, "thread_id", traits.thread_id);
  add(out, "type", traits.type);
  add(out, "metadata", traits.metadata);
  return {"birth", out + "}"};
}

Mark tokens_mark(Session const& session) {
  if (session.tokens.empty()) return {"tokens", std::nullopt};
  std::string all = "[";
  for (auto const& token : session.tokens) {
    std::string out;
    add(out, "id", token.id);
    add(out, "scope", to_word(token.scope));
    add(out, "expires_us", token.expires_us);
    add(out, "single_use", token.single_use);
    add(out, "used", token.used);
    all.append(all.size() > 1 ? "," : "").append(out).append("}");
  }
  return {"tokens", all + "]"};
}

std::string to_once(std::string_view known) {
  auto const hash = sha256(known);
  return base64url_encode(std::span(hash).first(once_bytes));
}

Mark once_mark(std::string_view known, std::uint64_t seq) {
  return {std::string(once_prefix).append(known), seq == 0 ? std::nullopt : std::optional(std::to_string(seq))};
}

Mark followed_mark(Session const& session) { return {"followed", std::to_string(session.followed_seq)}; }

Mark seen_mark(Session const& session) { return {"seen", std::to_string(session.active.utc_us)}; }

Mark use_mark(Session const& session) {
  if (!session.use) return {"use", std::nullopt};
  auto const& use = *session.use;
  json::object counts;
  for (std::size_t i = 0; i < uses; ++i) counts[to_word(static_cast<Use>(i))] = use.counts[i];
  json::array recent;
  for (auto const& entry : use.recent)
    recent.push_back(json::object{{"use", to_word(entry.use)}, {"at_us", entry.at_us}});
  json::object whole{{"counts", std::move(counts)}, {"recent", std::move(recent)}};
  if (use.confidence) whole["confidence"] = *use.confidence;
  return {"use", json::to_text(whole)};
}

Mark seat_mark(Session const& session, Moment now) {
  auto const& seat = *session.seat;
  std::string out;
  add(out, "url", seat.url);
  add(out, "title", seat.title);
  add(out, "width", seat.width);
  add(out, "height", seat.height);
  add(out, "calls", static_cast<std::int64_t>(seat.calls));
  add(out, "last_call_us", seat.last_call_us);
  add(out, "checkpoint_us", seat.checkpoint_us);
  add(out, "life_us", seat.life_us);
  add(out, "ends_us", seat.life_us == 0 ? seat.ends_us : now.utc_us + seat.ends_us - now.steady_us);
  return {"seat", out + "}"};
}

Mark checkpoint_mark(std::string sealed) { return {std::string(checkpoint_name), std::move(sealed)}; }

Mark stone_mark(Tombstone const& tombstone) {
  std::string out;
  add(out, "owner", tombstone.owner);
  add(out, "kind", to_word(tombstone.kind));
  add(out, "at_us", tombstone.at_us);
  add(out, "expired", tombstone.expired);
  add(out, "crashed", tombstone.crashed);
  return {"stone", out + "}"};
}

std::vector<Mark> state_marks(StateChange const& change, std::uint64_t seq) {
  auto const revision = std::to_string(seq);
  std::vector<Mark> marks;
  marks.reserve(change.set.size() + change.removed.size() + 1);
  marks.push_back({"revision", revision});
  for (auto const& key : change.removed) marks.push_back({std::string(state_prefix) + key, std::nullopt});
  for (auto const& [key, value] : change.set)
    marks.push_back({std::string(state_prefix) + key, revision + ' ' + value});
  return marks;
}

Result<Restored> read_record(Record record) {
  auto const find = [&](std::string_view name) -> std::string const* {
    auto const place = std::ranges::find(record.marks, name, &std::pair<std::string, std::string>::first);
    return place == record.marks.end() ? nullptr : &place->second;
  };
  Restored restored;
  if (auto const* const text = find("stone")) {
    restored.stone = read_stone(*text);
    if (!restored.stone) return damaged(record, "stone");
    return restored;
  }
  auto const* const birth = find("birth");
  if (birth != nullptr) restored.session = read_birth(record, *birth);
  if (restored.session == nullptr) return damaged(record, "birth");
  Session& session = *restored.session;
  for (auto& [name, value] : record.marks) {
    if (!read_mark(session, name, value)) return damaged(record, name);
    if (name == checkpoint_name) restored.checkpoint = std::move(value);
  }
  session.journal.sleep(record.first_seq, record.last_seq);
  session.visible_seq = session.shown_seq = record.last_seq;
  return restored;
}

}  // namespace sojourn
