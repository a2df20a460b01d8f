#include "app/storage.h"

#include <sys/stat.h>

#include <utility>

#include "core/record.h"
#include "store/copy.h"
#include "store/memory.h"
#include "store/sqlite.h"

namespace sojourn {
namespace {

Result<std::string> find_file(Target const& target, Terminal const& terminal) {
  auto folder = find_data_folder(target.data, terminal.environment);
  if (!folder) return folder.error();
  return store_file(*folder);
}

Result<> need(std::string const& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) == 0) return {};
  return error(Code::not_found, "there is nothing kept at " + file + "; name the data folder with --data DIR");
}

// Sessions of a backup begin new epochs: see Hub::restore.
Result<> note_restored(std::string const& file) {
  SqliteStore::Settings settings;
  settings.file = file;
  auto store = SqliteStore::open(std::move(settings), [](auto const& function) { function(); });
  if (!store) return store.error();
  Result<> noted;
  Change change{.session_id = std::string(server_record), .marks = {{std::string(restored_name), "1"}}};
  (*store)->commit({1, {std::move(change)}}, 0, [&](Result<> result) { noted = std::move(result); });
  store->reset();  // which waits for it
  return noted;
}

Result<> tell(Target const& target, Terminal& terminal, json::object const& answer, std::string const& sentence) {
  return target.json ? print_json(terminal, answer) : print(terminal, sentence + "\n");
}

}  // namespace

std::string store_file(std::string const& folder) { return folder + "/sessions.db"; }

Result<std::unique_ptr<Store>> open_store(Config const& config, std::function<void(std::function<void()>)> post) {
  if (config.store == "memory")
    return std::unique_ptr<Store>(std::make_unique<MemoryStore>(std::move(post), MemoryStore::Memory::nothing));
  SqliteStore::Settings settings;
  settings.file = store_file(config.data);
  settings.reserve_bytes = static_cast<std::uint64_t>(config.limits.reserve_bytes);
  auto opened = SqliteStore::open(std::move(settings), std::move(post));
  if (!opened) return opened.error();
  return std::unique_ptr<Store>(std::move(*opened));
}

Result<> run_backup(Target const& target, StorageCommand const& command, Terminal& terminal) {
  auto const file = find_file(target, terminal);
  if (!file) return file.error();
  if (auto const there = need(*file); !there) return there;
  if (auto const copied = backup(*file, command.file); !copied) return copied;
  struct stat info {};
  auto const bytes = ::stat(command.file.c_str(), &info) == 0 ? std::int64_t{info.st_size} : 0;
  return tell(target, terminal, {{"file", command.file}, {"bytes", bytes}},
              "Copied " + *file + " to " + command.file + ", " + std::to_string(bytes) + " bytes.");
}

Result<> run_verify(Target const& target, StorageCommand const& command, Terminal& terminal) {
  auto const file = command.file.empty() ? find_file(target, terminal) : Result<std::string>(command.file);
  if (!file) return file.error();
  if (auto const there = need(*file); !there) return there;
  auto const damages = verify(*file);
  if (damages.empty()) return tell(target, terminal, {{"file", *file}, {"sound", true}}, *file + " is sound.");
  std::string all;
  json::array places;
  for (auto const& damage : damages) {
    all.append(damage).append("\n");
    places.push_back(json::value(damage));
  }
  if (target.json) {
    auto const said = print_json(terminal, json::object{{"file", *file}, {"sound", false}, {"damages", places}});
    if (!said) return said;
  } else if (auto const said = print(terminal, all); !said) {
    return said;
  }
  return error(Code::damaged, *file + " is damaged; bring back a backup with: sojourn restore FILE");
}

Result<> run_restore(Target const& target, StorageCommand const& command, Terminal& terminal) {
  auto const file = find_file(target, terminal);
  if (!file) return file.error();
  if (auto const there = need(command.file); !there) return there;
  auto const kept = restore(command.file, *file, note_restored);
  if (!kept) return kept.error();
  auto const aside = kept->empty() ? std::string() : " What was there is kept as " + *kept + ".";
  return tell(target, terminal, {{"file", *file}, {"aside", *kept}},
              "Put " + command.file + " in the place of " + *file + "." + aside);
}

}  // namespace sojourn
