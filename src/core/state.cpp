#include "core/state.h"

#include <algorithm>

#include "base/utf8.h"

namespace sojourn {
namespace {

constexpr std::size_t key_bytes_max = 256;

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= key_bytes_max && to_utf8(key) == key &&
         std::ranges::none_of(key, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

Error bad_key() { return error(Code::invalid, "a state key is 1 to 256 bytes of UTF-8 without control characters"); }

std::size_t charge(std::string_view key, std::string_view value) { return key.size() + value.size(); }

}  // namespace

json::value merge_patch(json::value target, json::value const& patch) {
  if (!patch.is_object()) return patch;
  if (!target.is_object()) target = json::object();
  auto& members = target.get_object();
  for (auto const& [key, value] : patch.get_object()) {
    if (value.is_null())
      members.erase(key);
    else
      members[key] = merge_patch(members.contains(key) ? std::move(members[key]) : json::value(), value);
  }
  return target;
}

std::string to_text(StateChange const& change) {
  std::string out = "{\"set\":{";
  for (auto const& [key, value] : change.set) {
    json::append_string(out, key);
    out.append(":").append(value).append(",");
  }
  if (!change.set.empty()) out.pop_back();
  out += "},\"removed\":[";
  for (auto const& key : change.removed) {
    json::append_string(out, key);
    out += ',';
  }
  if (!change.removed.empty()) out.pop_back();
  return out += "]}";
}

State::Entries const& State::entries() const {
  static Entries const nothing;
  return entries_ == nullptr ? nothing : *entries_;
}

State::Entry const* State::find(std::string_view key) const {
  auto const place = entries().find(key);
  return place == entries().end() ? nullptr : &place->second;
}

void State::append(std::string& out) const {
  out += '{';
  for (auto const& [key, entry] : entries()) {
    json::append_string(out, key);
    out.append(":").append(entry.value).append(",");
  }
  if (!entries().empty()) out.pop_back();
  out += '}';
}

std::shared_ptr<std::string const> State::text() const {
  if (auto present = text_.lock()) return present;
  auto made = std::make_shared<std::string>();
  append(*made);
  text_ = made;
  return made;
}

Result<StateChange> State::plan(StateEdit const& edit, Limits const& limits) const {
  auto const* const entry = edit.key ? find(*edit.key) : nullptr;
  auto const present = edit.key ? (entry == nullptr ? 0 : entry->revision) : revision_;
  bool const is_missed = edit.if_exists && edit.key && entry == nullptr;
  if (is_missed || (edit.if_revision && *edit.if_revision != present))
    return Error{Code::precondition_failed, "the present revision is " + std::to_string(present), present};
  auto change = edit.key ? plan_key(edit, *edit.key) : plan_map(edit);
  if (!change) return change;
  if (auto const fits = check_limits(*change, limits); !fits) return fits.error();
  return change;
}

Result<StateChange> State::plan_key(StateEdit const& edit, std::string const& key) const {
  if (!is_key(key)) return bad_key();
  StateChange change;
  if (edit.verb == StateEdit::Verb::set) {
    change.set.emplace_back(key, edit.value);
    return change;
  }
  if (edit.verb == StateEdit::Verb::merge) {
    auto const patch = json::parse(edit.value);
    if (!patch) return patch.error();
    change.set.emplace_back(key, merge_into(key, *patch));
    return change;
  }
  if (find(key) == nullptr) return error(Code::not_found, "State key not found: " + key);
  change.removed.push_back(key);
  return change;
}

Result<StateChange> State::plan_map(StateEdit const& edit) const {
  StateChange change;
  json::value members = json::object();
  if (edit.verb != StateEdit::Verb::remove) {
    auto parsed = json::parse(edit.value, json::depth_max + 1);
    if (!parsed) return parsed.error();
    if (!parsed->is_object()) return error(Code::invalid, "the state is a JSON object");
    members = std::move(*parsed);
  }
  for (auto const& [name, value] : members.get_object()) {
    std::string const key(name);
    if (!is_key(key)) return bad_key();
    if (edit.verb == StateEdit::Verb::set)
      change.set.emplace_back(key, json::to_text(value));
    else if (!value.is_null())
      change.set.emplace_back(key, merge_into(key, value));
    else if (find(key) != nullptr)
      change.removed.push_back(key);
  }
  if (edit.verb != StateEdit::Verb::merge) {
    for (auto const& [key, entry] : entries()) {
      if (!members.get_object().contains(key)) change.removed.push_back(key);
    }
  }
  return change;
}

std::string State::merge_into(std::string_view key, json::value const& patch) const {
  auto const* const entry = find(key);
  auto target = entry == nullptr || !patch.is_object() ? Result<json::value>(json::value()) : json::parse(entry->value);
  return json::to_text(merge_patch(target ? std::move(*target) : json::value(), patch));
}

Result<> State::check_limits(StateChange const& change, Limits const& limits) const {
  auto bytes = bytes_;
  auto count = size();
  for (auto const& key : change.removed) {
    bytes -= charge(key, find(key)->value);
    --count;
  }
  for (auto const& [key, value] : change.set) {
    if (value.size() > static_cast<std::size_t>(limits.state_value_bytes))
      return error(Code::too_large, "the value of " + key + " is over " + std::to_string(limits.state_value_bytes) +
                                        " bytes ([limits] state_value_bytes)");
    auto const* const before = find(key);
    if (before != nullptr) bytes -= charge(key, before->value);
    bytes += charge(key, value);
    if (before == nullptr) ++count;
  }
  if (count > size() && count > static_cast<std::size_t>(limits.state_keys))
    return error(Code::too_large, "a state has at most " + std::to_string(limits.state_keys) +
                                      " keys ([limits] state_keys); remove some first");
  if (bytes > bytes_ && bytes > static_cast<std::size_t>(limits.state_bytes))
    return error(Code::too_large, "a state has at most " + std::to_string(limits.state_bytes) +
                                      " bytes ([limits] state_bytes); remove some first");
  return {};
}

void State::restore(std::string key, std::string value, std::uint64_t revision) {
  if (entries_ == nullptr) entries_ = std::make_unique<Entries>();
  bytes_ += charge(key, value);
  entries_->insert_or_assign(std::move(key), Entry{std::move(value), revision});
}

void State::apply(StateChange const& change, std::uint64_t seq) {
  revision_ = seq;
  text_.reset();
  if (entries_ == nullptr && change.set.empty()) return;
  if (entries_ == nullptr) entries_ = std::make_unique<Entries>();
  auto& entries = *entries_;
  for (auto const& key : change.removed) {
    auto const place = entries.find(key);
    if (place == entries.end()) continue;
    bytes_ -= charge(key, place->second.value);
    entries.erase(place);
  }
  for (auto const& [key, value] : change.set) {
    auto& entry = entries[key];
    if (entry.revision != 0) bytes_ -= charge(key, entry.value);
    entry = {value, seq};
    bytes_ += charge(key, value);
  }
}

}  // namespace sojourn
