#!/usr/bin/env python3
"""./test in a made checkout, with stubs for the programs it runs: what it counts, and that it cannot end well when
something failed."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

GTEST_GOOD = '1: [  PASSED  ] 12 tests.\n1/2 Test #1: test_base ........   Passed    0.02 sec\n'
GTEST_BAD = ('2: [  PASSED  ] 3 tests.\n2: [  FAILED  ] 2 tests, listed below:\n2: [  FAILED  ] Hub.answers\n2: [  FAILED  ] Hub.waits\n'
             '2/2 Test #2: test_core ........***Failed    0.01 sec\n')
GTEST_DEAD = '2: [ RUN      ] Hub.dies\n2/2 Test #2: test_core ........***Exception: SegFault  0.01 sec\n'


class RunnerTest(unittest.TestCase):
    def setUp(self):
        self.checkout = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.checkout)
        self.stubs = self.checkout / 'stubs'
        for folder in ('tools', 'stubs', 'src', 'tests/tools', 'tests/e2e', 'fuzz', 'bench', 'web/extension/dist', 'build/dev', 'build/release', 'node_modules'):
            (self.checkout / folder).mkdir(parents=True)
        for file in ('test', 'tools/bootstrap'):
            shutil.copy(ROOT / file, self.checkout / file)
        for file in ('package-lock.json', 'node_modules/.installed-for', 'build/dev/build.ninja', 'build/release/build.ninja',
                     'web/extension/package.json', 'src/x.cpp', 'tests/e2e/x.test.mjs', 'build/extension.stamp'):
            (self.checkout / file).write_text('')
        self.stub('npm')
        self.stub('ninja', 'ninja: no work to do.\n')

    def stub(self, name, says='', status=0):
        (self.stubs / f'{name}.says').write_text(says)
        (self.stubs / name).write_text(f'#!/bin/sh\ncat "{self.stubs}/{name}.says"\nexit {status}\n')
        (self.stubs / name).chmod(0o755)

    def run_test(self, *arguments):
        environment = {**os.environ, 'PATH': f'{self.stubs}:{os.environ["PATH"]}', 'SOJOURN_PACKAGES': 'mine'}
        ran = subprocess.run([self.checkout / 'test', *arguments], cwd='/', env=environment, capture_output=True, text=True)
        return ran, ran.stdout.splitlines()[-1] if ran.stdout else ''

    def assert_counts(self, arguments, passed, failed):
        ran, last = self.run_test(*arguments)
        self.assertEqual(last, f'{passed} passed, {failed} failed', ran.stdout + ran.stderr)
        self.assertEqual(ran.returncode != 0, failed > 0)
        self.assertEqual(len(re.findall(r'(?m)^\d+ passed, \d+ failed$', ran.stdout)), 1)
        return ran

    def test_the_cases_inside_each_test_program_are_counted(self):
        self.stub('ctest', GTEST_GOOD + '2/2 Test #2: other .......   Passed    0.01 sec\n')
        self.assert_counts(['--only', 'unit'], 13, 0)

    def test_failed_cases_are_counted_and_named(self):
        self.stub('ctest', GTEST_GOOD + GTEST_BAD, 8)
        ran = self.assert_counts(['--only', 'unit'], 15, 2)
        self.assertIn('Hub.answers', ran.stderr)

    def test_a_program_that_died_is_one_failure(self):
        self.stub('ctest', GTEST_GOOD + GTEST_DEAD, 8)
        self.assert_counts(['--only', 'unit'], 12, 1)

    def test_no_tests_at_all_is_a_failure(self):
        self.stub('ctest', 'No tests were found!!!\n')
        self.assert_counts(['--only', 'unit'], 0, 1)

    def test_a_runner_that_failed_without_a_failed_test_is_a_failure(self):
        self.stub('ctest', GTEST_GOOD, 1)
        self.assert_counts(['--only', 'unit'], 12, 1)

    def test_a_build_that_fails_is_a_failure_and_shows_its_errors(self):
        self.stub('ninja', 'src/x.cpp:3:1: error: expected something\n', 1)
        self.stub('ctest', GTEST_GOOD)
        ran = self.assert_counts(['--only', 'unit'], 0, 1)
        self.assertIn('src/x.cpp:3:1: error', ran.stderr)

    def test_tap_and_spec_summaries_of_node_are_counted(self):
        self.stub('node', '# pass 5\n# fail 0\n# cancelled 0\n')
        self.assert_counts(['--only', 'e2e'], 5, 0)
        self.stub('node', 'not ok 3 - lists\n# pass 5\n# fail 1\n# cancelled 2\n', 1)
        self.assertIn('not ok 3 - lists', self.assert_counts(['--only', 'e2e'], 5, 3).stderr)
        self.stub('npm', 'ℹ pass 2\nℹ fail 0\n# pass 4\n# fail 0\n')
        self.assert_counts(['--only', 'web'], 7, 0)

    def test_a_broken_format_is_a_failure_with_its_remedy(self):
        self.stub('clang-format')
        self.assert_counts(['--only', 'format'], 1, 0)
        self.stub('clang-format', 'src/x.cpp:1:2: error: code should be clang-formatted\n', 1)
        self.assertIn('clang-format -i src/x.cpp', self.assert_counts(['--only', 'format'], 0, 1).stderr)

    def test_the_sum_is_over_all_parts(self):
        self.stub('clang-format')
        self.stub('ctest', GTEST_GOOD + GTEST_BAD, 8)
        self.assert_counts(['--only', 'format', '--only', 'unit'], 16, 2)

    def test_a_failed_bootstrap_still_ends_with_the_line(self):
        (self.checkout / 'package-lock.json').write_text('{}')
        self.stub('npm', 'npm error code EAI_AGAIN\n', 1)
        self.assert_counts(['--only', 'format'], 0, 1)

    def test_an_unknown_part_or_option_is_refused(self):
        for arguments in (['--only', 'nothing'], ['--only'], ['--quick']):
            ran, _ = self.run_test(*arguments)
            self.assertEqual(ran.returncode, 1)
            self.assertRegex(ran.stderr, r'^error: .*\n$')


if __name__ == '__main__':
    unittest.main()
