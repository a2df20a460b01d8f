#!/usr/bin/env python3
"""A responder: answers the questions that a Sojourn server sends it, from what was said in the session.

    examples/responder/responder.py [--port 9100]

Then start the server with it:

    sojourn serve --responder.url http://127.0.0.1:9100/answer

One POST is one question: {"query", "history": [{"role", "content"}], "stream": true, ...}. The answer is JSON, or, when
"stream" is true, an event stream: {"content": "..."} for each piece, and {"answer": "...", ...} last. Nothing but Python's
own library; listens on the loopback interface only.
"""

import argparse
import http.server
import json
import re
import sys
import time

sys.dont_write_bytecode = True  # the folder stays as it is
from answers import answer_to  # noqa: E402

BODY_BYTES_MAX = 4_000_000
PIECE_S = 0.01


class Refused(Exception):
    """No question; `status` is the HTTP status to say so with."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


class Handler(http.server.BaseHTTPRequestHandler):
    server_version = 'responder'

    def do_POST(self):
        try:
            question = self.read_question()
        except Refused as refused:
            return self.send(refused.status, {'error': str(refused)})
        query, history = question['query'], question.get('history')
        answer = answer_to(query, history if isinstance(history, list) else [])
        if question.get('stream') is True:
            return self.stream(answer)
        self.send(200, answer)

    def read_question(self):
        if self.path != '/answer':
            raise Refused(404, f'nothing is at {self.path}; POST to /answer')
        length = self.headers.get('Content-Length', '')
        if not length.isdigit():
            raise Refused(411, 'Content-Length is needed')
        if int(length) > BODY_BYTES_MAX:
            raise Refused(413, 'the question is too large')
        try:
            question = json.loads(self.rfile.read(int(length)))
        except ValueError:
            raise Refused(400, 'the body is not JSON') from None
        if not isinstance(question, dict) or not isinstance(question.get('query'), str) or not question['query'].strip():
            raise Refused(422, 'query has to be a text that is not empty')
        return question

    def send(self, status, value):
        body = json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, answer):
        self.send_response(200)
        self.send_header('Content-Type', 'text/event-stream')
        self.end_headers()
        try:
            for piece in re.findall(r'\S*\s*', answer['answer']):
                if piece:
                    self.say({'content': piece})
                    time.sleep(PIECE_S)
            self.say(answer)
        except (BrokenPipeError, ConnectionResetError):
            pass  # nobody waits for it any more

    def say(self, value):
        self.wfile.write(f'data: {json.dumps(value, ensure_ascii=False)}\n\n'.encode())
        self.wfile.flush()

    def log_message(self, *_):
        pass


def open_responder(port):
    """Listens on the port, 0 for any free one; serve_forever() answers."""
    return http.server.ThreadingHTTPServer(('127.0.0.1', port), Handler)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--port', type=int, default=9100, metavar='N', help='the port to listen on, 0 for any free one (default: 9100)')
    port = parser.parse_args().port
    try:
        responder = open_responder(port)
    except (OSError, OverflowError) as error:
        sys.exit(f'error: port {port} is not to be had ({error}); choose another one with --port, 0 is any free one')
    print(f'Answering at http://127.0.0.1:{responder.server_port}/answer', flush=True)
    responder.serve_forever()


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
