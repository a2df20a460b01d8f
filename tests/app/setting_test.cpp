#include "app/setting.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <string>
#include <vector>

#include "app/temporary_folder.h"

namespace sojourn {
namespace {

constexpr std::array<std::string_view, 2> sections{"limits", "log"};

TEST(Setting, OfAFileKnowsItsLineAndItsType) {
  auto const settings = parse_settings(
      "listen = [\"a\", \"b\"]\n\ndocumented_ports = true\n[limits]\nheader_ms = 5\n[log]\nlevel = \"warn\"\n",
      "f.toml", sections);
  ASSERT_TRUE(settings) << settings.error().message;
  ASSERT_EQ(settings->size(), 4U);
  EXPECT_EQ(settings->at(0).key, "listen");
  EXPECT_EQ(std::get<std::vector<std::string>>(settings->at(0).value), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(settings->at(0).where, "f.toml:1");
  EXPECT_TRUE(std::get<bool>(settings->at(1).value));
  EXPECT_EQ(settings->at(1).where, "f.toml:3");
  EXPECT_EQ(settings->at(2).key, "limits.header_ms");
  EXPECT_EQ(std::get<std::int64_t>(settings->at(2).value), 5);
  EXPECT_EQ(settings->at(2).where, "f.toml:5");
  EXPECT_EQ(settings->at(3).key, "log.level");
  EXPECT_EQ(std::get<std::string>(settings->at(3).value), "warn");
}

TEST(Setting, OfATypeNobodyTakesIsNamed) {
  auto const settings =
      parse_settings("a = 12:30:00\nb = [1]\nc = {d = 1}\ne = 2026-01-01\nlimits = 3\n", "f", sections);
  ASSERT_TRUE(settings) << settings.error().message;
  ASSERT_EQ(settings->size(), 5U);
  EXPECT_EQ(std::get<Foreign>(settings->at(0).value).what, "a date or time");
  EXPECT_EQ(std::get<Foreign>(settings->at(1).value).what, "a list that holds more than text");
  EXPECT_EQ(std::get<Foreign>(settings->at(2).value).what, "a table");
  EXPECT_EQ(std::get<Foreign>(settings->at(3).value).what, "a date or time");
  EXPECT_EQ(std::get<std::int64_t>(settings->at(4).value), 3);
}

TEST(Setting, MayHaveAFraction) {
  auto const settings = parse_settings("[log]\na = 0.05\nb = 1e3\nc = 5\n", "f", sections);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(std::get<double>(settings->at(0).value), 0.05);
  EXPECT_EQ(std::get<double>(settings->at(1).value), 1000.0);
  EXPECT_EQ(std::get<std::int64_t>(settings->at(2).value), 5);
}

TEST(Setting, OfTablesWithinASectionAreNamedInFullWhereTheSectionHasAStar) {
  constexpr std::array<std::string_view, 3> nested{"limits", "tools", "tools.*"};
  auto const settings = parse_settings(
      "[tools.one]\nurl = \"u\"\n[tools.\"two.three\"]\nurl = \"v\"\n[tools.one.deeper]\nx = 1\n[limits.one]\nx = 1\n"
      "[other.one]\nx = 1\n",
      "f", nested);
  ASSERT_TRUE(settings) << settings.error().message;
  std::vector<std::string> found;
  for (auto const& setting : *settings) {
    auto const* const foreign = std::get_if<Foreign>(&setting.value);
    found.push_back(setting.where + " " + setting.key + (foreign != nullptr ? " is " + foreign->what : ""));
  }
  EXPECT_EQ(found,
            (std::vector<std::string>{"f:2 tools.one.url", "f:4 tools.two.three.url", "f:5 tools.one.deeper is a table",
                                      "f:7 limits.one is a table", "f:9 other is a table"}));
}

TEST(Setting, OfTextThatIsNotTomlIsRefusedWithItsPlace) {
  auto const broken = parse_settings("a = 1\nb = \n", "f.toml", sections);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Code::configuration);
  EXPECT_TRUE(broken.error().message.starts_with("f.toml:2:")) << broken.error().message;
  EXPECT_FALSE(parse_settings("a = 1\na = 2\n", "f.toml", sections));
  EXPECT_FALSE(parse_settings(std::string("a = \"\xff\"\n"), "f.toml", sections));
  EXPECT_FALSE(parse_settings("a = " + std::string(100'000, '['), "f.toml", sections));
}

TEST(Setting, FilesAreReadOrRefusedByName) {
  test::TemporaryFolder const folder;
  auto const path = folder.write("s.toml", "data = \"x\"\n");
  auto const settings = read_settings(path, sections);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->at(0).where, path + ":1");
  for (auto const& wrong :
       {folder.path(), folder.path() + "/absent", folder.write("large", std::string(1024 * 1024 + 1, '#'))}) {
    auto const refused = read_settings(wrong, sections);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, Code::configuration);
    EXPECT_TRUE(refused.error().message.starts_with(wrong)) << refused.error().message;
  }
}

TEST(Setting, VariablesAreNamedAfterKeys) {
  EXPECT_EQ(to_variable("listen"), "SOJOURN_LISTEN");
  EXPECT_EQ(to_variable("limits.header_ms"), "SOJOURN_LIMITS__HEADER_MS");
}

TEST(Setting, OfTheEnvironmentIsTakenByNameAndMisspeltOnesAreNotLost) {
  constexpr std::array<std::string_view, 3> keys{"listen", "data", "limits.header_ms"};
  Environment const environment{{"SOJOURN_LISTEN", "1"},         {"SOJOURN_DATA", ""},
                                {"SOJOURN_SERVER", "not a key"}, {"SOJOURN_LIMITS__HEADRE_MS", "2"},
                                {"OTHER__THING", "3"},           {"LISTEN", "4"}};
  auto const settings = take_settings(environment, keys);
  ASSERT_EQ(settings.size(), 2U);
  EXPECT_EQ(settings[0].key, "listen");
  EXPECT_EQ(settings[0].where, "SOJOURN_LISTEN");
  EXPECT_EQ(std::get<Untyped>(settings[0].value).text, "1");
  EXPECT_EQ(settings[1].key, "limits.headre_ms");
  EXPECT_EQ(settings[1].where, "SOJOURN_LIMITS__HEADRE_MS");
}

TEST(Setting, TheEnvironmentIsThatOfTheProcess) {
  ASSERT_EQ(::setenv("SOJOURN_TEST_OF_SETTING", "a=b", 1), 0);
  EXPECT_EQ(read_environment()["SOJOURN_TEST_OF_SETTING"], "a=b");
  ::unsetenv("SOJOURN_TEST_OF_SETTING");
  EXPECT_FALSE(read_environment().contains("SOJOURN_TEST_OF_SETTING"));
}

}  // namespace
}  // namespace sojourn
