#!/usr/bin/env python3
"""tools/bootstrap in a made checkout, with stubs for dpkg, apt, sudo and npm: what it asks for, that it asks once,
and the one line it ends with when something is missing."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

APT = '''#!/bin/sh
echo "apt-get $*" >>"$STUBS/calls"
case "$*" in
*update*) exit 0 ;;
*) cat "$STUBS/apt.says" 2>/dev/null; exit "$(cat "$STUBS/apt.status")" ;;
esac
'''
NPM = '''#!/bin/sh
echo "npm $*" >>"$STUBS/calls"
[ "$1" = --prefix ] && mkdir -p "$2/node_modules"
cat "$STUBS/npm.says" 2>/dev/null
exit "$(cat "$STUBS/npm.status")"
'''


class BootstrapTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.checkout = self.folder / 'check out'
        self.stubs = self.folder / 'stubs'
        (self.checkout / 'tools').mkdir(parents=True)
        self.stubs.mkdir()
        shutil.copy(ROOT / 'tools/bootstrap', self.checkout / 'tools')
        (self.checkout / 'package-lock.json').write_text('{}')
        self.stub('dpkg-query', '#!/bin/sh\ncat "$STUBS/installed" 2>/dev/null\n')
        self.stub('apt-get', APT)
        self.stub('npm', NPM)
        self.stub('node', '#!/bin/sh\necho v18.19.0\n')
        self.stub('sudo', '#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n')
        self.says('apt', 0, '')
        self.says('npm', 0, '')

    def stub(self, name, text):
        (self.stubs / name).write_text(text)
        (self.stubs / name).chmod(0o755)

    def says(self, program, status, text):
        (self.stubs / f'{program}.status').write_text(str(status))
        (self.stubs / f'{program}.says').write_text(text)

    def installed(self, names):
        (self.stubs / 'installed').write_text(''.join(f'{name} installed\n' for name in names))

    def all_packages(self):
        listed = 'source tools/bootstrap; printf "%s\\n" "${packages_to_build[@]}" "${packages_to_test[@]}"'
        return subprocess.run(['bash', '-c', listed], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()

    def run_bootstrap(self, *arguments):
        environment = {**os.environ, 'PATH': f'{self.stubs}:{os.environ["PATH"]}', 'STUBS': str(self.stubs)}
        calls = self.stubs / 'calls'
        calls.write_text('')
        ran = subprocess.run([self.checkout / 'tools/bootstrap', *arguments], cwd='/', env=environment, capture_output=True, text=True)
        return ran, calls.read_text().splitlines()

    def assert_one_line(self, *words):
        ran, _ = self.run_bootstrap('build')
        self.assertEqual(ran.returncode, 1, ran.stdout)
        self.assertEqual(ran.stderr.count('\n'), 1, ran.stderr)
        for word in ('error: ', *words):
            self.assertIn(word, ran.stderr)

    def test_what_is_missing_is_installed_in_one_call_and_the_test_set_only_for_tests(self):
        self.installed(['g++', 'cmake', 'chromium'])
        ran, calls = self.run_bootstrap('build')
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual([call.split()[0] for call in calls], ['apt-get', 'apt-get', 'npm'])
        wanted = calls[1].split('--no-install-recommends ')[1].split()
        self.assertIn('ninja-build', wanted)
        self.assertFalse({'g++', 'cmake', 'chromium', 'clang-tidy', 'nodejs', 'npm'} & set(wanted), wanted)
        self.assertIn('clang-tidy', self.run_bootstrap('test')[1][1])

    def test_with_nothing_missing_it_is_silent_calls_nobody_and_is_fast(self):
        self.installed(self.all_packages())
        self.assertEqual(self.run_bootstrap('test')[1], [f'npm --prefix {self.checkout} ci --no-audit --no-fund --loglevel=error'])
        ran, calls = self.run_bootstrap('test')
        self.assertEqual((ran.returncode, ran.stdout, ran.stderr, calls), (0, '', '', []))

    def test_a_changed_lock_file_installs_the_npm_packages_again(self):
        self.installed(self.all_packages())
        self.run_bootstrap('build')
        (self.checkout / 'package-lock.json').write_text('{"version": 2}')
        self.assertEqual(len(self.run_bootstrap('build')[1]), 1)
        self.assertEqual(len(self.run_bootstrap('build')[1]), 0)

    def test_a_failed_npm_install_is_tried_again_the_next_time(self):
        self.installed(self.all_packages())
        self.says('npm', 1, 'npm error strange\n')
        ran, _ = self.run_bootstrap('build')
        self.assertIn('npm error strange', ran.stderr)
        self.says('npm', 0, '')
        self.assertEqual(len(self.run_bootstrap('build')[1]), 1)

    def test_debians_node_is_installed_only_where_no_node_is_new_enough(self):
        self.installed(self.all_packages())
        self.stub('node', '#!/bin/sh\necho v16.20.0\n')
        ran, calls = self.run_bootstrap('build')
        self.assertTrue(calls[1].endswith(' nodejs npm'), calls)
        self.assertIn('PATH finds v16.20.0', ran.stderr)

    def test_no_network_is_one_line(self):
        self.says('apt', 100, "Err:1 http://deb.example/debian bookworm\n  Temporary failure resolving 'deb.example'\n")
        self.assert_one_line('cannot be reached', 'apt-get install g++')

    def test_a_package_that_apt_does_not_know_is_named_in_one_line(self):
        self.says('apt', 100, 'E: Unable to locate package libboost1.81-dev\nE: Unable to locate package libcli11-dev\n')
        self.assert_one_line('does not know: libboost1.81-dev libcli11-dev', 'Debian 12')

    def test_a_full_disk_is_one_line(self):
        self.says('apt', 100, 'dpkg: error: No space left on device\n')
        self.assert_one_line('disk is full')

    def test_an_unknown_failure_shows_the_end_of_the_log(self):
        self.says('apt', 100, 'something new\n')
        ran, _ = self.run_bootstrap('build')
        self.assertEqual(ran.returncode, 1)
        self.assertIn('something new', ran.stderr)
        self.assertIn('build/logs/apt.log', ran.stderr)

    def test_npm_without_its_registry_is_one_line(self):
        self.installed(self.all_packages())
        self.says('npm', 1, 'npm error code EAI_AGAIN\n')
        self.assert_one_line('registry cannot be reached')

    def test_a_lock_that_does_not_fit_is_one_line(self):
        self.installed(self.all_packages())
        self.says('npm', 1, 'npm error code EUSAGE\n')
        self.assert_one_line('npm install and commit both')

    def test_its_own_packages_can_be_declined(self):
        os.environ['SOJOURN_PACKAGES'] = 'mine'
        self.addCleanup(os.environ.pop, 'SOJOURN_PACKAGES')
        ran, calls = self.run_bootstrap('build')
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual([call.split()[0] for call in calls], ['npm'])


if __name__ == '__main__':
    unittest.main()
