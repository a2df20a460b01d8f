#include "core/shelves.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sojourn {
namespace {

class ShelvesTest : public testing::Test {
 protected:
  Session& make(std::string id, SessionKind kind, std::string owner) {
    sessions.push_back(std::make_unique<Session>(std::move(id), kind, 1));
    sessions.back()->owner = std::move(owner);
    shelves.put(*sessions.back());
    return *sessions.back();
  }
  static std::string ids_of(Shelves::Shelf const& shelf) {
    std::string text;
    for (auto const* session : shelf) text += session->id;
    return text;
  }

  std::vector<std::unique_ptr<Session>> sessions;
  Shelves shelves;
};

TEST_F(ShelvesTest, KeepSessionsByKindAndOwnerInTheOrderTheyCame) {
  make("a", SessionKind::shared, "alice");
  make("b", SessionKind::shared, "bob");
  make("c", SessionKind::extension, "alice");
  auto& last = make("d", SessionKind::shared, "alice");
  EXPECT_EQ(ids_of(shelves.of(SessionKind::shared)), "abd");
  EXPECT_EQ(ids_of(shelves.of(SessionKind::extension)), "c");
  EXPECT_EQ(ids_of(shelves.of(SessionKind::shared, "alice")), "ad");
  EXPECT_EQ(ids_of(shelves.of(SessionKind::shared, "bob")), "b");
  EXPECT_EQ(ids_of(shelves.of(SessionKind::extension, "alice")), "c");
  EXPECT_EQ(ids_of(shelves.of(SessionKind::extension, "bob")), "");
  EXPECT_EQ(shelves.of(SessionKind::shared).size(), 3U);
  shelves.take(*sessions[0]);
  EXPECT_EQ(ids_of(shelves.of(SessionKind::shared)), "bd");
  EXPECT_EQ(ids_of(shelves.of(SessionKind::shared, "alice")), "d");
  shelves.take(last);
  EXPECT_EQ(ids_of(shelves.of(SessionKind::shared, "alice")), "");
  EXPECT_EQ(shelves.of(SessionKind::shared, "alice").size(), 0U);
  make("e", SessionKind::shared, "alice");
  EXPECT_EQ(ids_of(shelves.of(SessionKind::shared)), "be");
  EXPECT_EQ(ids_of(shelves.of(SessionKind::shared, "alice")), "e");
}

TEST_F(ShelvesTest, AreEmptyForWhomNobodyKnows) {
  EXPECT_TRUE(shelves.of(SessionKind::shared).empty());
  EXPECT_TRUE(shelves.of(SessionKind::shared, "nobody").empty());
}

}  // namespace
}  // namespace sojourn
