#!/usr/bin/env python3
"""Each rule of tools/tidy over small made trees: what it must find, and the lawful neighbour that it must not."""

import contextlib
import importlib.machinery
import importlib.util
import io
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
TIDY = ROOT / 'tools' / 'tidy'
loader = importlib.machinery.SourceFileLoader('tidy', str(TIDY))
tidy = importlib.util.module_from_spec(importlib.util.spec_from_loader('tidy', loader))
loader.exec_module(tidy)


class TidyTest(unittest.TestCase):
    def findings(self, rule, files):
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                target = Path(folder, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
            return [(path, line, what) for path, line, what, _ in tidy.RULES[rule](tidy.read_tree(Path(folder)))]

    def assert_finds(self, rule, files, *expected):
        found = self.findings(rule, files)
        self.assertEqual([(path, line) for path, line, _ in found], [(path, line) for path, line, _ in expected], found)
        for (_, _, what), (_, _, words) in zip(found, expected):
            self.assertIn(words, what)

    def assert_lawful(self, rule, files):
        self.assertEqual(self.findings(rule, files), [])

    def cpp(self, rule, body, line, words):
        self.assert_finds(rule, {'src/api/x.cpp': body}, ('src/api/x.cpp', line, words))

    # floors

    def test_a_room_that_includes_a_room_above_it_fails(self):
        self.assert_finds('floors', {'src/core/hub.h': '// x\n#include "api/router.h"\n'}, ('src/core/hub.h', 2, 'above it'))

    def test_a_room_that_includes_its_neighbour_fails(self):
        self.assert_finds('floors', {'src/codec/x.h': '#include "core/hub.h"\n'}, ('src/codec/x.h', 1, 'own floor'))
        self.assert_finds('floors', {'src/api/x.h': '#include <store/memory.h>\n'}, ('src/api/x.h', 1, 'own floor'))

    def test_a_relative_include_does_not_hide_a_broken_floor(self):
        self.assert_finds('floors', {'src/base/x.cpp': '#include "../app/server.h"\n'}, ('src/base/x.cpp', 1, 'above it'))

    def test_a_folder_that_is_no_room_fails(self):
        self.assert_finds('floors', {'src/misc/x.h': ''}, ('src/misc/x.h', 1, 'not a room'))

    def test_a_room_may_include_itself_lower_rooms_and_libraries_and_main_may_include_all(self):
        self.assert_lawful('floors', {
            'src/net/x.cpp': '#include "net/y.h"\n#include "./z.h"\n#include "core/hub.h"\n#include <vector>\n#include <boost/json.hpp>\n',
            'src/main.cpp': '#include "app/server.h"\n',
            'tests/core/hub_test.cpp': '#include "app/server.h"\n'})

    # names twice

    def test_two_types_of_one_name_fail(self):
        self.assert_finds('names-twice', {
            'src/net/a.h': 'namespace sojourn {\n\nclass Reader {\n};\n\n}  // namespace sojourn\n',
            'src/store/b.cpp': 'namespace sojourn {\nnamespace {\n\n}  // namespace\n\nstruct Reader final : Base<int> {\n};\n\n}  // namespace sojourn\n'},
            ('src/store/b.cpp', 6, 'src/net/a.h'))

    def test_names_of_other_namespaces_hidden_ones_and_declarations_pass(self):
        self.assert_lawful('names-twice', {
            'src/net/a.h': 'namespace sojourn {\n\nclass Reader {\n  struct Parts {};\n};\nclass Other;\n\n}  // namespace sojourn\n',
            'src/net/b.h': 'namespace sojourn::net {\n\nclass Reader {\n};\n\n}  // namespace sojourn::net\n',
            'src/net/c.cpp': 'namespace sojourn {\nnamespace {\n\nclass Reader {\n};\n\n}  // namespace\n\nclass Reader;\nstruct Reader::Parts {\n};\n// struct Other {\n\n}  // namespace sojourn\n',
            'tests/net/d.cpp': 'namespace sojourn {\n\nclass Reader {\n};\n\n}  // namespace sojourn\n'})

    # mirrored tests

    def test_a_source_without_its_mirrored_test_fails(self):
        self.assert_finds('mirrored-tests', {'src/core/hub.cpp': '', 'tests/core/other_test.cpp': ''},
                          ('src/core/hub.cpp', 1, 'no test'))

    def test_a_source_with_its_mirrored_test_and_headers_and_main_pass(self):
        self.assert_lawful('mirrored-tests', {'src/core/hub.cpp': '', 'src/core/x.h': '', 'src/main.cpp': '', 'tests/core/hub_test.cpp': ''})

    # lengths

    def test_a_file_over_its_ratchet_fails(self):
        self.assert_finds('file-length', {'src/core/x.h': '\n' * 401}, ('src/core/x.h', 401, '401 lines'))
        self.assert_finds('file-length', {'web/client/src/x.ts': '\n' * 401}, ('web/client/src/x.ts', 401, '401 lines'))
        self.assert_finds('file-length', {'tests/core/x_test.cpp': '\n' * 501}, ('tests/core/x_test.cpp', 501, '501 lines'))

    def test_a_file_at_its_ratchet_passes(self):
        self.assert_lawful('file-length', {'src/core/x.h': '\n' * 400, 'tests/core/x_test.cpp': '\n' * 500, 'docs/x.md': '\n' * 900})

    def test_a_function_over_sixty_lines_fails(self):
        free = 'namespace a {\nint f(int x) {\n' + '  ++x;\n' * 58 + '  return x;\n}\n}\n'
        self.cpp('function-length', free, 2, '61 lines')
        member = 'class A {\n public:\n  A() : x_{1} {\n' + '    ++x_;\n' * 60 + '  }\n int x_;\n};\n'
        self.cpp('function-length', member, 2, 'lines')
        test = 'namespace {\nTEST(Hub, answers) {\n' + '  EXPECT_EQ("{", 1);\n' * 60 + '}\n}\n'
        self.assert_finds('function-length', {'tests/core/x_test.cpp': test}, ('tests/core/x_test.cpp', 2, '62 lines'))

    def test_short_functions_in_long_scopes_and_long_tables_pass(self):
        short = 'int f() {\n  return 1; // {\n}\n' * 30
        table = 'constexpr int table[] = {\n' + '  1,\n' * 100 + '};\n'
        self.assert_lawful('function-length', {'src/api/x.cpp': f'namespace a {{\nclass A {{\n{short}}};\n{table}}}\n'})

    # names and markers

    def test_type_and_file_names_that_say_nothing_fail(self):
        for name in ('SessionManager', 'UserService', 'TabController', 'SessionRepository', 'JsonHelper', 'TextUtils', 'ManagerPool'):
            self.cpp('names', f'\nclass {name} {{}};\n', 2, name)
            self.assert_finds('names', {'web/client/src/x.ts': f'export class {name} {{}}\n'}, ('web/client/src/x.ts', 1, name))
        self.assert_finds('names', {'src/base/string_util.h': ''}, ('src/base/string_util.h', 1, 'file name'))

    def test_names_of_the_domain_and_words_in_comments_and_literals_pass(self):
        self.assert_lawful('names', {
            'src/core/hub.h': '// class FooManager\nclass Hub {};\nstruct ServiceWorkerState {};\nauto s = "class BarManager";\n',
            'web/extension/src/service_workers.ts': 'export type Utilization = number;\n'})

    def test_a_leftover_marker_fails(self):
        for marker in ('TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'):
            self.assert_finds('markers', {'docs/x.md': f'one\n{marker}: later\n'}, ('docs/x.md', 2, marker))

    def test_words_that_contain_a_marker_pass(self):
        self.assert_lawful('markers', {'start': 'mktemp -d /tmp/x.' + 'XX' * 3 + '\n', 'docs/x.md': 'todo lists, hackers\n'})

    # coroutines

    def test_trap_1_an_aggregate_inside_an_awaited_call_fails(self):
        for call in ('f(Options{1, 2})', 'f({.a = 1})', 'page.open(url, base::Options{.width = 1})', 'a.b().f(x, {1, 2})', 'p->f(T<int>{3})'):
            self.cpp('coroutines', f'\nTask<int> g() {{\n  auto x = co_await {call};\n}}\n', 3, 'trap 1')

    def test_trap_2_a_capturing_lambda_inside_an_awaited_call_fails(self):
        for call in ('f([&](int x) { return x; })', 'f(1, [this] { go(); })', 'f([x = 1]() mutable { return x; })'):
            self.cpp('coroutines', f'Task<int> g() {{\n  co_await {call};\n}}\n', 2, 'trap 2')

    def test_trap_3_an_await_inside_a_conditional_expression_fails(self):
        for line in ('auto x = c ? co_await a() : b;', 'auto x = c ? b : co_await a();', 'auto x = c ? (co_await a()) : b;'):
            self.cpp('coroutines', f'Task<int> g() {{\n  {line}\n}}\n', 2, 'trap 3')

    def test_trap_4_an_await_inside_braces_or_a_statement_expression_fails(self):
        for line in ('std::vector<int> v{co_await a()};', 'auto v = std::array{1, co_await a()};', 'int v[] = {co_await a(), 2};',
                     'auto v = ({ auto t = co_await a(); t; });'):
            self.cpp('coroutines', f'Task<int> g() {{\n  {line}\n}}\n', 2, 'trap 4')

    def test_lawful_coroutines_pass(self):
        body = '''Task<int> g() {
  Options options{1, 2};
  auto x = co_await f(std::move(options));
  auto y = co_await f([](int z) { return Point{z, z}; });
  co_await a[1].run(x, values[2]);
  CO_TRY(auto z, co_await f());
  if (c) { co_await f(); } else { co_await h(); }
  for (auto& e : co_await f()) { use(e ? 1 : 2); }
  try { co_await f(); } catch (...) {}
  auto name = ok ? base::text : std::string{}; co_await f();  // c ? co_await a : b
}
auto later = [](int x) -> Task<int> { co_return co_await f(x); };
'''
        self.assert_lawful('coroutines', {'src/browser/x.cpp': body})

    # third parties, locks

    def test_a_third_party_outside_its_address_fails(self):
        for header in ('boost/beast/http.hpp', 'sys/socket.h', 'sys/epoll.h', 'liburing.h', 'openssl/evp.h', 'spdlog/spdlog.h',
                       'sqlite3.h', 'toml++/toml.h', 'CLI/CLI.hpp', 'hiredis/hiredis.h', 'boost/asio/ssl.hpp', 'zlib.h'):
            self.assert_finds('third-parties', {'src/api/x.cpp': f'\n#include <{header}>\n'}, ('src/api/x.cpp', 2, 'outside'))

    def test_a_third_party_at_its_address_passes(self):
        self.assert_lawful('third-parties', {
            'src/base/loop.cpp': '#include <sys/epoll.h>\n',
            'src/net/http.cpp': '#include <boost/beast/http.hpp>\n#include <sys/socket.h>\n#include <boost/asio/ssl.hpp>\n',
            'src/base/crypto.cpp': '#include <openssl/evp.h>\n', 'src/base/log.cpp': '#include <spdlog/spdlog.h>\n',
            'src/store/sqlite.cpp': '#include <sqlite3.h>\n', 'src/app/config.cpp': '#include <toml++/toml.h>\n#include <CLI/CLI.hpp>\n',
            'tests/net/x_test.cpp': '#include <sys/socket.h>\n'})

    def test_a_lock_file_with_a_download_address_fails(self):
        lock = '{\n  "a": {\n    "resolved": "https://registry.example/a.tgz"\n  }\n}\n'
        self.assert_finds('lock-files', {'package-lock.json': lock}, ('package-lock.json', 3, 'download address'))

    def test_a_lock_file_with_links_to_workspaces_passes(self):
        self.assert_lawful('lock-files', {'package-lock.json': '{\n  "resolved": "web/client",\n  "version": "1"\n}\n'})

    # promises

    def test_a_promise_in_no_test_name_fails(self):
        names = [name for name in tidy.PROMISES if name not in ('BTW-07', 'BTW-35a')]
        text = ''.join(f"test('{name} is kept', () => {{}});\n" for name in names)
        text += '// BTW-07 in a comment is no test\nconst x = "BTW-35a";\n'
        found = self.findings('promises-tested', {'tests/e2e/x.test.mjs': text})
        self.assertEqual([what for _, _, what in found], ['in no test name: BTW-07, BTW-35a'])

    def test_promises_named_by_tests_of_every_kind_pass(self):
        files = {'tests/api/x_test.cpp': 'TEST(Extension,\n     BTW_01_02_ids_are_short) {}\nTEST_F(Door, BTW_35a_shows_the_agent) {}\n',
                 'tests/transcripts/list.txt': '# BTW-03: the id is stable\n',
                 'web/extension/test/x.test.ts': "it('BTW-04/05, keeps count', () => {});\n"}
        text = ''.join(f"  test('{name} is kept', () => {{}});\n" for name in tidy.PROMISES[5:] if name != 'BTW-35a')
        self.assert_lawful('promises-tested', {**files, 'tests/e2e/x.test.mjs': text})

    def test_promises_of_all_systems_are_held_but_for_what_is_of_a_later_version(self):
        self.assertEqual([sum(name.startswith(system) for name in tidy.PROMISES) for system in ('BTW', 'SHP', 'AMI', 'FMV', 'INF')], [40, 28, 26, 35, 14])
        for name in ('SHP-27',):
            self.assertIn(name, tidy.PENDING)
            self.assertNotIn(name, tidy.PROMISES)
        for name in ('BTW-39', 'SHP-29', 'AMI-26', 'FMV-35', 'INF-14'):
            text = ''.join(f"test('{each} is kept', () => {{}});\n" for each in tidy.PROMISES if each != name)
            found = self.findings('promises-tested', {'tests/e2e/x.test.mjs': text})
            self.assertEqual([what for _, _, what in found], [f'in no test name: {name}'])

    def test_a_test_may_carry_numbers_of_several_systems(self):
        self.assertEqual(tidy.promises_in('FMV-01/02 SHP-04 a session; fmv_05_06_is; FMV-07, 9 tries, BTW-35a, INF_09'),
                         {'FMV-01', 'FMV-02', 'SHP-04', 'FMV-05', 'FMV-06', 'FMV-07', 'BTW-35a', 'INF-09'})

    def test_a_promise_that_the_compatibility_page_leaves_out_fails(self):
        text = '\n'.join(name for name in tidy.PROMISES if name != 'BTW-38')
        found = self.findings('promises-documented', {'docs/COMPATIBILITY.md': text})
        self.assertEqual([what for _, _, what in found], ['not mentioned: BTW-38'])
        self.assert_lawful('promises-documented', {'docs/COMPATIBILITY.md': text + '\nBTW-38'})

    # the program

    def test_the_program_names_file_line_and_remedy_and_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, 'src/core').mkdir(parents=True)
            Path(folder, 'src/core/hub.cpp').write_text('#include "net/listener.h"\n')
            ran = subprocess.run([sys.executable, TIDY, '--root', folder, '--only', 'floors'], capture_output=True, text=True)
            self.assertEqual(ran.returncode, 1)
            self.assertRegex(ran.stdout, r'^src/core/hub\.cpp:1: core .*; .*\[floors\]\n')
            self.assertTrue(ran.stdout.endswith('tidy: 0 passed, 1 failed (rules, over 1 files)\n'))
            Path(folder, 'src/core/hub.cpp').write_text('#include "base/id.h"\n')
            ran = subprocess.run([sys.executable, TIDY, '--root', folder, '--only', 'floors'], capture_output=True, text=True)
            self.assertEqual((ran.returncode, ran.stdout), (0, 'tidy: 1 passed, 0 failed (rules, over 1 files)\n'))

    def test_every_rule_is_exercised_here(self):
        here = Path(__file__).read_text()
        for rule in tidy.RULES:
            self.assertIn(f"'{rule}'", here)

    def test_build_folders_and_installed_packages_are_not_read(self):
        with contextlib.redirect_stdout(io.StringIO()):
            self.assert_lawful('markers', {'build/x.txt': 'XX' + 'X', 'node_modules/a/x.js': 'XX' + 'X', 'web/extension/dist/x.js': 'XX' + 'X'})


if __name__ == '__main__':
    unittest.main()
