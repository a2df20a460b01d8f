#!/usr/bin/env python3
"""Sets the stage of the responder example: a session server, the responder, and a session in which something went wrong.

    examples/responder/start                          type questions; an empty line or Ctrl-D ends it
    examples/responder/start 'what went wrong?' ...   asks these, prints the answers and ends

Everything that is started here ends with it: the server by its process id, its data folder is removed.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True  # the folder stays as it is
from responder import open_responder  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
START_S_MAX = 10
ANSWER_S_MAX = 60
STORY = (('step', 'opened the checkout page'), ('step', 'clicked “Pay now”'),
         ('log', 'POST /payments 504 after 30 s: upstream timed out'),
         ('log', 'payments-db: connection pool exhausted, 64 of 64 in use'),
         ('note', 'it began after the release at 14:05'))
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Failed(Exception):
    pass


def call(address, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data=data, method=method, headers={'Content-Type': 'application/json'})
    try:
        with OPENER.open(request, timeout=ANSWER_S_MAX) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise Failed(json.load(error).get('detail', error.reason)) from None


@contextlib.contextmanager
def running_responder():
    responder = open_responder(0)
    threading.Thread(target=responder.serve_forever, daemon=True).start()
    try:
        yield f'http://127.0.0.1:{responder.server_port}/answer'
    finally:
        responder.shutdown()
        responder.server_close()


@contextlib.contextmanager
def running_server(binary, responder_url):
    data = tempfile.mkdtemp(prefix='sojourn-responder-')
    log = open(Path(data, 'log'), 'w+', encoding='utf-8')
    child = None
    try:
        child = subprocess.Popen([binary, 'serve', '--listen', '127.0.0.1:0', '--data', data, '--responder.url', responder_url],
                                 stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        late = threading.Timer(START_S_MAX, child.kill)
        late.start()
        first = child.stdout.readline()
        late.cancel()
        match = re.fullmatch(r'Listening on (http://\S+)\n', first)
        if not match:
            log.seek(0)
            raise Failed(f'{binary} does not start: {log.read().strip()}')
        yield match.group(1)
    finally:
        if child is not None:
            child.terminate()
            try:
                child.wait(START_S_MAX)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            child.stdout.close()
        log.close()
        shutil.rmtree(data, ignore_errors=True)


def tell_story(address, session):
    for kind, text in STORY:
        call(address, 'POST', f'/api/v1/sessions/{session}/events', {'type': kind, 'data': text})


def ask(address, session, question):
    answer = call(address, 'POST', '/api/v1/query', {'session_id': session, 'query': question})
    print(f'{answer["answer"]}\n', flush=True)


def questions(given):
    if given:
        for question in given:
            print(f'> {question}')
            yield question
        return
    while True:
        try:
            question = input('> ').strip()
        except EOFError:
            print()
            return
        if not question:
            return
        yield question


def find_binary():
    binary = os.environ.get('SOJOURN_BINARY') or str(ROOT / 'build/release/sojourn')
    if not os.access(binary, os.X_OK):
        raise Failed(f'there is no program {binary}; ./start builds it, or name it in SOJOURN_BINARY')
    return binary


def main():
    parser = argparse.ArgumentParser(prog='examples/responder/start', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('questions', nargs='*', metavar='QUESTION', help='ask this and end')
    given = parser.parse_args().questions
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    binary = find_binary()
    with running_responder() as url, running_server(binary, url) as address:
        session = call(address, 'POST', '/api/v1/sessions', {'session_type': 'troubleshooting'})['session_id']
        tell_story(address, session)
        print(f'responder  {url}\nserver     {address}\nsession    {session}\n')
        print(f'curl -s {address}/api/v1/query -d \'{{"session_id":"{session}","query":"what went wrong?"}}\'\n', flush=True)
        for question in questions(given):
            ask(address, session, question)


if __name__ == '__main__':
    try:
        main()
    except Failed as error:
        sys.exit(f'error: {error}')
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    except KeyboardInterrupt:
        sys.exit(130)
