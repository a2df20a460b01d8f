#!/usr/bin/env python3
"""Many sites read by many browsers, through the extension sessions of a Sojourn server.

    examples/scrape.py example.com example.org         site i goes to session i; sites beyond the last session wait
    examples/scrape.py --queue a.com b.com c.com ...   every session takes the next site as soon as it is free
    examples/scrape.py                                 three bundled pages, served from here for the occasion

Needs a running server with at least one browser connected (./start gives both) and nothing but Python's own library.
"""

import argparse
import asyncio
import concurrent.futures
import functools
import http.server
import json
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

PAGES = Path(__file__).resolve().parent / 'pages'
BUNDLED = ('catalog.html', 'article.html', 'strict.html')
ANSWER_S_MAX = 40
ARRIVE_S_MAX = 30
CALLS_MAX = 128


class Refused(Exception):
    """The server said no; `status` is its HTTP status."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Server:
    """The API of one server. Calls are plain functions; `ask` runs one without stopping the others."""

    def __init__(self, address):
        self.address = address.rstrip('/')
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data=data, method=method, headers={'Content-Type': 'application/json'})
        try:
            with self.opener.open(request, timeout=ANSWER_S_MAX) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(error.code, reason_of(error)) from None

    async def ask(self, method, path, body=None):
        return await asyncio.get_running_loop().run_in_executor(None, functools.partial(self.call, method, path, body))

    async def sessions(self):
        return [entry['sessionId'] for entry in (await self.ask('GET', '/api/websocket/sessions'))['sessions']]

    async def tabs(self, session):
        return (await self.ask('GET', f'/api/browser/{session}/tabs'))['result']


def reason_of(error):
    try:
        return json.load(error)['error']
    except (ValueError, KeyError, TypeError):
        return f'HTTP {error.code}'


def address_of(site):
    return site if '://' in site else f'https://{site}'


def same_page(one, other):
    return one.split('#')[0].rstrip('/') == other.split('#')[0].rstrip('/')


async def navigate(server, session, site):
    """Sends the active tab to the site and gives its id once it is there. A redirect counts as being there."""
    target = address_of(site)
    tabs = await server.tabs(session)
    tab = next((tab for tab in tabs if tab.get('active')), tabs[0] if tabs else None)
    if tab is None:
        raise Refused(0, 'the browser has no tab')
    await server.ask('POST', f'/api/websocket/sessions/{session}/message', {'type': 'navigate', 'data': {'url': target}})
    end = time.monotonic() + ARRIVE_S_MAX
    while time.monotonic() < end:
        now = next((each['url'] for each in await server.tabs(session) if each['id'] == tab['id']), None)
        if now is None:
            raise Refused(0, 'the tab was closed')
        if same_page(now, target) or not same_page(now, tab['url']):
            return await require_opened(server, session, tab['id'], target)
        await asyncio.sleep(0.1)
    raise Refused(0, f'{target} did not open within {ARRIVE_S_MAX} s')


async def require_opened(server, session, tab, target):
    """The address bar shows the target even where the page could not be had: the document itself tells."""
    answer = await server.ask('POST', f'/api/browser/{session}/tabs/{tab}/execute', {'code': 'location.href'})
    if str(answer['result']['result']).startswith('chrome-error:'):
        raise Refused(0, f'{target} could not be opened')
    return tab


async def extract(server, session, tab, selector, fields):
    path = f'/api/browser/{session}/tabs/{tab}/scrape'
    answer = await server.ask('POST', path, {'selector': selector, 'fields': fields})
    return answer['result']['scrapedData']


async def visit(server, session, site, chosen):
    """One site in one browser: always a result, with `data` or with `error`."""
    began = time.monotonic()
    result = {'session': session, 'site': site}
    try:
        tab = await navigate(server, session, site)
        result['data'] = await extract(server, session, tab, chosen.selector, chosen.fields)
    except Refused as error:
        result['error'] = str(error)
        result['gone'] = error.status in (404, 503)
    except OSError as error:
        result['error'] = f'no answer from the server ({error})'
        result['gone'] = True
    result['seconds'] = round(time.monotonic() - began, 2)
    return result


async def assign(server, sites, chosen):
    """Site i to session i until the sessions run out, all at once; results in the order of the sessions."""
    sessions = await server.sessions()
    pairs = list(zip(sessions, sites))
    results = await asyncio.gather(*[visit(server, session, site, chosen) for session, site in pairs])
    return sessions, list(results), sites[len(pairs):]


async def distribute(server, sites, chosen):
    """A queue that all sessions work off; results in the order of the sites. A browser that goes away gives its
    site back to the others, and one that comes meanwhile joins in."""
    sessions = await server.sessions()
    waiting, results, lost = list(enumerate(sites)), {}, set()

    async def work(session):
        while waiting:
            place, site = waiting.pop(0)
            result = await visit(server, session, site, chosen)
            if result.get('gone'):
                lost.add(session)
                waiting.append((place, site))
                return
            results[place] = result

    while waiting:
        present = [session for session in await server.sessions() if session not in lost]
        if not present:
            break
        sessions += [session for session in present if session not in sessions]
        await asyncio.gather(*[work(session) for session in present])
    return sessions, [results[place] for place in sorted(results)], [site for _, site in sorted(waiting)]


class QuietPages(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def serve_bundled_pages():
    """The bundled pages on a free port of this machine, for as long as this program runs."""
    handler = functools.partial(QuietPages, directory=str(PAGES))
    site = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    return [f'http://127.0.0.1:{site.server_address[1]}/{page}' for page in BUNDLED]


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('sites', nargs='*', metavar='SITE', help='a host or a URL (without a scheme: https)')
    parser.add_argument('--server', default='http://localhost:5409', metavar='URL', help='the Sojourn server (default: %(default)s)')
    parser.add_argument('--queue', action='store_true', help='work off all sites with all sessions')
    parser.add_argument('--selector', default='html', metavar='CSS', help='one record for each match (default: the page)')
    parser.add_argument('--field', action='append', default=[], metavar='NAME=CSS::text',
                        help="a field of the record, such as price='.price::text' or link='a::href' (repeatable)")
    parser.add_argument('--json', action='store_true', help='one JSON object instead of text')
    chosen = parser.parse_args()
    if urllib.parse.urlsplit(chosen.server).scheme not in ('http', 'https'):
        parser.error(f"--server takes a URL such as http://localhost:5409, not '{chosen.server}'")
    if not all('=' in field for field in chosen.field):
        parser.error("--field takes NAME=CSS::text, such as price='.price::text'")
    chosen.fields = dict(field.split('=', 1) for field in chosen.field) or {'title': 'title::text', 'heading': 'h1::text'}
    return chosen


def in_order(record, fields):
    return {name: record.get(name) for name in fields} if isinstance(record, dict) else record


def one_line(record):
    if not isinstance(record, dict):
        return str(record)
    return ', '.join(f'{name}: {value if value not in (None, "") else "-"}' for name, value in record.items())


def print_text(results, left):
    for result in results:
        print(f"{result['session']}  {result['site']}  ({result['seconds']} s)")
        if 'error' in result:
            print(f"    failed: {result['error']}")
        for record in result['data']:
            print(f'    {one_line(record)}')
    for site in left:
        print(f'{"-":16}  {site}  no browser left for it', file=sys.stderr)


async def main():
    chosen = read_arguments()
    asyncio.get_running_loop().set_default_executor(concurrent.futures.ThreadPoolExecutor(CALLS_MAX))
    server = Server(chosen.server)
    try:
        found = await server.sessions()
    except Refused as error:
        sys.exit(f'error: {server.address} refused the list of sessions: {error}')
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f'error: no Sojourn server answers at {server.address} ({getattr(error, "reason", error)}); start one with ./start, or name it with --server')
    if not found:
        sys.exit(f'error: no browser is connected to {server.address}; ./start brings one, or load web/extension/dist into yours')
    sites = chosen.sites or serve_bundled_pages()
    sessions, results, left = await (distribute if chosen.queue else assign)(server, sites, chosen)
    for result in results:
        result.pop('gone', None)
        result['data'] = [in_order(record, chosen.fields) for record in result.get('data', [])]
    if chosen.json:
        print(json.dumps({'sessions': sessions, 'results': results, 'left': left}, indent=2, ensure_ascii=False))
    else:
        print_text(results, left)
    return 1 if any('error' in result for result in results) or (chosen.queue and left) else 0


if __name__ == '__main__':
    try:
        sys.exit(asyncio.run(main()))
    except KeyboardInterrupt:
        sys.exit(130)
