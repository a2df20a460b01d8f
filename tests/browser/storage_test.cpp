// What a real page keeps, read from it and put into a fresh one: of every kind, of every frame, and without a request.
#include "browser/storage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/page_stage.h"

namespace sojourn {
namespace {

constexpr std::string_view keeping = R"(<!doctype html><title>keeps</title><body style="height:5000px"><script>
const typed = () => {
  const shared = { deep: [1, [2, { three: 3n }]] };
  const self_made = { shared, again: shared };
  self_made.self = self_made;
  return [
    undefined, null, true, '', 'ü\ud800', NaN, Infinity, -Infinity, -0, 0.1, 12345678901234567890n,
    new Date(1700000000000), new Date(NaN), /a"b/gi, new Map([['k', new Set([1, undefined])], [{}, [[]]]]),
    new Uint8Array([0, 255, 7]).buffer, new Float64Array([1.5, NaN]), new DataView(new ArrayBuffer(4), 1, 2),
    [1, , 3], new Boolean(false), new String('s'), new RangeError('why'), self_made,
    new Blob(['blob \u0000 text'], { type: 'text/plain' }), new File(['file'], 'name.txt', { type: 'text/x', lastModified: 5 }),
  ];
};
const asked = (request) => new Promise((done, failed) => { request.onsuccess = () => done(request.result); request.onerror = () => failed(request.error); });
const fill = async () => {
  document.cookie = 'plain=1';
  document.cookie = 'stays=2; max-age=10000; path=/deep';
  localStorage.setItem('a', 'ä\ud83d\ude00\ud800');
  sessionStorage.setItem('b', '{"c":1}');
  const request = indexedDB.open('things', 7);
  request.onupgradeneeded = () => {
    const byPath = request.result.createObjectStore('by path', { keyPath: ['a', 'b'] });
    byPath.createIndex('i', 'c', { unique: true });
    byPath.createIndex('many', 'd', { multiEntry: true });
    byPath.put({ a: 1, b: new Date(5), c: 'x', d: [1, 2] });
    request.result.createObjectStore('counted', { autoIncrement: true });
    request.result.createObjectStore('empty', { keyPath: 'id', autoIncrement: true });
  };
  const db = await asked(request);
  const store = () => db.transaction('counted', 'readwrite').objectStore('counted');
  for (const one of typed()) await asked(store().add(one));
  for (let i = 0; i < 200; i += 1) await asked(store().add(i));
  await asked(store().put('by buffer', new Uint8Array([1, 2]).buffer));
  db.close();
  return 'filled';
};
// What there is, told so that every difference shows.
const tell = async (value, known = []) => {
  if (value instanceof Blob) return [value.constructor.name, value.name, value.type, value.lastModified && value.name ? value.lastModified : 0, await value.text()];
  if (typeof value !== 'object' || value === null) return [typeof value, Object.is(value, -0) ? '-0' : String(value)];
  if (known.includes(value)) return ['again', known.indexOf(value)];
  known.push(value);
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (ArrayBuffer.isView(value)) return [kind, value.byteOffset, value.byteLength, await tell(value.buffer, known)];
  if (kind === 'ArrayBuffer') return [kind, [...new Uint8Array(value)]];
  if (kind === 'Date') return [kind, String(value.getTime())];
  if (kind === 'RegExp') return [kind, String(value)];
  if (kind === 'Error') return [kind, value.name, value.message];
  if (kind === 'Boolean' || kind === 'String') return [kind, String(value)];
  const inner = kind === 'Map' || kind === 'Set' ? [...value] : Object.keys(value).flatMap((key) => [key, value[key]]);
  const all = [kind, value.length ?? -1];
  for (const one of inner) all.push(await tell(one, known));
  return all;
};
const look = async () => {
  const db = await asked(indexedDB.open('things'));
  const stores = [];
  for (const name of db.objectStoreNames) {
    const store = () => db.transaction(name, 'readwrite').objectStore(name);
    const one = store();
    const indexes = [...one.indexNames].map((index) => one.index(index)).map((index) => [index.name, index.keyPath, index.unique, index.multiEntry]);
    const [keys, values] = await Promise.all([asked(one.getAllKeys()), asked(one.getAll())]);
    stores.push([name, one.keyPath, one.autoIncrement, indexes, await tell(keys), await tell(values)]);
    if (name === 'counted') stores.push(['next', await asked(store().add('one more'))]);
  }
  const about = [db.version, (await indexedDB.databases()).length];
  db.close();
  return JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, about, stores]);
};
</script>)";

class StorageTest : public test::PageTest {
 protected:
  static constexpr std::int64_t long_us = 20'000'000;

  void SetUp() override {
    PageTest::SetUp();
    site.serve("/keeps", std::string(keeping));
    site.serve("/", "<!doctype html><title>top</title>");
  }
  std::int64_t deadline() const { return Clock().now().steady_us + long_us; }
  Checkpoint remember(Checkpoint known = {}) {
    auto read = run(page->remember(std::move(known), deadline()));
    if (read) return *read;
    ADD_FAILURE() << read.error().message;
    return {};
  }
  // Another page, in another context, which the checkpoint makes what this one was.
  std::vector<std::string> move(Checkpoint const& checkpoint) {
    browser.wire().send("", "Target.disposeBrowserContext", only("browserContextId", address.context_id));
    address = browser.new_page();
    page = std::make_unique<Page>(browser.wire(), browser.loop, browser.timers, address);
    EXPECT_TRUE(run(page->prepare()));
    auto const lost = run(page->regain(checkpoint, deadline()));
    EXPECT_TRUE(lost);
    page->settle_in(*files, "sess_test", [this](std::string name, json::object data) {
      news.emplace_back(std::move(name), std::move(data));
    });
    EXPECT_TRUE(run(page->furnish(checkpoint.wish)));
    return lost ? *lost : std::vector<std::string>{lost.error().message};
  }
  void come_back(Checkpoint const& checkpoint) {
    auto const back = run(page->come_back(checkpoint, deadline()));
    EXPECT_TRUE(back) << back.error().message;
  }
  // By name: value, host-only or not, HttpOnly, session.
  std::vector<std::string> cookies() {
    auto const all = browser.ask("", "Storage.getCookies", only("browserContextId", address.context_id));
    std::vector<std::string> told;
    for (auto const& one : find_array(all, "cookies")) {
      auto o = one.get_object();
      if (find_bool(o, "session")) o["expires"] = -1;
      o["expires"] = find_integer(o, "expires") / 10;
      o.erase("size");
      told.push_back(json::to_text(o));
    }
    std::ranges::sort(told);
    return told;
  }
};

TEST_F(StorageTest, EverythingThatHasATextIsThereAgain) {
  site.serve("/set", "x", 0,
             "Set-Cookie: session=s1; HttpOnly\r\nSet-Cookie: lasting=l1; Max-Age=9999; SameSite=Lax; Path=/\r\n");
  open(site.url("/set"));
  open(site.url("/keeps"));
  ASSERT_EQ(evaluate("fill()"), "filled");
  evaluate("scrollTo(0, 1234)");
  auto const checkpoint = remember();
  EXPECT_TRUE(checkpoint.lost().empty()) << checkpoint.lost().at(0);
  auto const cookies_before = cookies();
  auto const before = evaluate("look()");
  ASSERT_NE(before.find("RangeError"), std::string::npos) << before;
  auto const asked = site.asked("/keeps") + site.asked("/") + site.asked("/favicon.ico");
  EXPECT_EQ(move(checkpoint), std::vector<std::string>());
  EXPECT_EQ(site.asked("/keeps") + site.asked("/") + site.asked("/favicon.ico"), asked) << "nobody was asked";
  EXPECT_EQ(cookies(), cookies_before);
  EXPECT_EQ(cookies().size(), 4U);
  news.clear();
  come_back(checkpoint);
  EXPECT_EQ(evaluate("look()"), before);
  EXPECT_EQ(evaluate("location.href"), site.url("/keeps"));
  EXPECT_EQ(evaluate("scrollY"), "1234");
  EXPECT_EQ(evaluate("history.length"), "2") << "the way there is no part of its history";
  EXPECT_EQ(message(act("back", "")), "There is no page to go back to.");
}

TEST_F(StorageTest, FramesOfOthersKeepWhatIsTheirsInThisPageOnly) {
  auto const other = site.url("/keeps", "localhost");
  open(other);
  evaluate("localStorage.setItem('where', 'alone')");
  auto first = remember();
  site.serve("/inner", "<script>localStorage.setItem('where', 'inside'); localStorage.setItem('ready', 1)</script>");
  site.serve("/frames", "<!doctype html><iframe src='" + site.url("/inner", "localhost") + "'></iframe>");
  open(site.url("/frames"));
  auto const checkpoint = remember(first);
  ASSERT_EQ(checkpoint.origins.size(), 2U);
  EXPECT_NE(checkpoint.origins[1].top, checkpoint.origins[1].origin);
  EXPECT_TRUE(move(checkpoint).empty());
  site.serve("/inner",
             "<script>document.title = localStorage.getItem('where'); top.postMessage(document.title, '*')</script>");
  site.serve("/frames",
             "<!doctype html><script>onmessage = ({data}) => { document.title = data; }</script><iframe src='" +
                 site.url("/inner", "localhost") + "'></iframe>");
  open(site.url("/frames"));
  EXPECT_EQ(evaluate("new Promise((done) => { const look = () => document.title ? done(document.title) : "
                     "setTimeout(look, 10); look(); })"),
            "inside");
  open(other);
  EXPECT_EQ(evaluate("localStorage.getItem('where')"), "alone");
}

TEST_F(StorageTest, WhatCannotBeToldIsNamed) {
  open(site.url("/keeps"));
  ASSERT_EQ(evaluate("(async () => { await fill(); const db = await asked(indexedDB.open('things'));"
                     "const key = await crypto.subtle.generateKey({name: 'AES-GCM', length: 256}, false, ['encrypt']);"
                     "await asked(db.transaction('counted', 'readwrite').objectStore('counted').add(key)); db.close();"
                     "await caches.open('c'); return 'done'; })()"),
            "done");
  auto const origin = origin_of(site.url("/"));
  EXPECT_EQ(remember().lost(), (std::vector<std::string>{
                                   "1 records of counted in the database things of " + origin + ", which can't be told",
                                   "the caches of " + origin}));
}

TEST_F(StorageTest, WhatIsTooLargeIsNamedAndTheRestIsThere) {
  open(site.url("/keeps"));
  ASSERT_EQ(evaluate("(async () => { await fill(); const db = await asked(indexedDB.open('things'));"
                     "await asked(db.transaction('counted', 'readwrite').objectStore('counted').add("
                     "'x'.repeat(5 * 1024 * 1024))); db.close(); return 'done'; })()"),
            "done");
  auto const checkpoint = remember();
  EXPECT_EQ(checkpoint.lost(), std::vector<std::string>{"the database things of " + origin_of(site.url("/"))});
  EXPECT_NE(checkpoint.origins.at(0).text.find(R"(["b","{\"c\":1}"])"), std::string::npos);
}

TEST_F(StorageTest, APageThatIsBusyIsNotWaitedForLong) {
  open(site.url("/keeps"));
  evaluate("setTimeout(() => { const end = Date.now() + 3000; while (Date.now() < end); }, 1)");
  browser.run_for(100);
  auto const read = run(page->remember({}, Clock().now().steady_us + 300'000));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::timeout);
}

TEST_F(StorageTest, ScriptsOfThePageHaveNoPartInIt) {
  open(site.url("/keeps"));
  evaluate(
      "Storage.prototype.getItem = () => 'forged'; JSON.stringify = () => 'forged';"
      "Object.defineProperty(window, 'indexedDB', {value: null}); localStorage.setItem('k', 'true')");
  auto const text = remember().origins.at(0).text;
  EXPECT_EQ(text, R"({"local":[["k","true"]],"session":[],"databases":[]})");
}

TEST_F(StorageTest, NumbersOfElementsAreNotGivenTwice) {
  show("<button>One</button>");
  auto const before = ref("One");
  auto const checkpoint = remember();
  move(checkpoint);
  come_back(checkpoint);
  EXPECT_EQ(json::find_string(act("click", before), "code"), "stale_ref");
  EXPECT_TRUE(call(Function::snapshot, {}));
  EXPECT_NE(ref("One"), before);
}

}  // namespace
}  // namespace sojourn
