#!/usr/bin/env python3
"""The pages that the demonstrations of this folder go through, on free ports of this machine.

    examples/browsers/site.py [--sites 3]

prints the addresses of its sites in one line and serves them until it is ended. Each of them has
    /a, /b             one shop twice: bought in three steps, or in one
    /catalog           things and prices on two pages; each site sells something else
    /login, /account   a form and what is behind it (ada / lovelace); /logout
    /shop              a basket for each visitor; /stats counts them, for whoever tests
Needs Python 3.9 or newer and nothing else.
"""

import argparse
import html
import json
import secrets
import threading
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SHOPS = (
    ('Paper & Ink', ('Notebook', 4.50), ('Fountain pen', 24.00), ('Blotter', 3.20), ('Ink, black', 8.90), ('Ruler', 2.10)),
    ('Tool Shed', ('Hammer', 17.80), ('Spirit level', 21.00), ('Ruler', 3.40), ('Pliers', 12.50), ('Notebook', 3.90)),
    ('Corner Store', ('Ink, black', 7.60), ('Notebook', 5.10), ('Torch', 9.90), ('Ruler', 1.90), ('Batteries', 6.00)),
)
NAME, PASSWORD = 'ada', 'lovelace'
BASKETS_MAX = 10_000

STYLE = """body{font:17px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#1c2430;background:#fbfaf8}
h1{font-size:1.7rem}button,input{font:inherit;padding:.5rem .9rem;border-radius:.5rem;border:1px solid #8a94a6}
button{background:#1d4ed8;color:#fff;border-color:#1d4ed8}label{display:block;margin:.8rem 0}article{padding:.4rem 0;border-bottom:1px solid #dcdfe6}
.price{float:right}a{color:#1d4ed8}"""


def page(title, body):
    return f'<!doctype html><html lang="en"><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{body}</html>'


def button(text, action):
    return f'<form method="post" action="{action}"><button>{text}</button></form>'


# What is bought at /a and /b: the pages in their order, each with the button to the next.
CHECKOUTS = {
    'a': (('Blue teapot', 'Add to basket'), ('Your basket', 'To checkout'), ('Payment', 'Pay 18.00'), ('Thank you', None)),
    'b': (('Blue teapot', 'Buy now for 18.00'), ('Thank you', None)),
}


class Site(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, shop):
        super().__init__(('127.0.0.1', 0), Visit)
        self.shop = shop
        self.signed_in = set()
        self.baskets = {}
        self.lock = threading.Lock()

    @property
    def url(self):
        return f'http://127.0.0.1:{self.server_port}'


class Visit(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def answer(self, status, text='', **headers):
        payload = text.encode()
        self.send_response(status)
        for name, value in {'Content-Type': 'text/html; charset=utf-8', 'Content-Length': len(payload), **headers}.items():
            self.send_header(name.replace('_', '-'), str(value))
        self.end_headers()
        self.wfile.write(payload)

    def go(self, path, **headers):
        self.answer(303, Location=path, **headers)

    def visitor(self):
        morsel = SimpleCookie(self.headers.get('Cookie', '')).get('visitor')
        return morsel.value if morsel else None

    def do_GET(self):
        parts = urlsplit(self.path)
        path = parts.path.strip('/').split('/')
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if path[0] in CHECKOUTS:
            return self.checkout(path[0], int(path[1]) if path[1:] and path[1].isdigit() else 0)
        show = getattr(self, f'show_{path[0] or "start"}', None)
        return show(query) if show else self.answer(404, page('Nothing here', ''))

    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get('Content-Length') or 0), 65536)).decode()
        fields = {name: values[0] for name, values in parse_qs(body).items()}
        path = self.path.strip('/').split('/')
        if path[0] in CHECKOUTS:
            return self.go(f'/{self.path.strip("/")}')
        take = getattr(self, f'take_{path[0]}', None)
        return take(fields) if take else self.answer(404, page('Nothing here', ''))

    def checkout(self, version, step):
        steps = CHECKOUTS[version]
        title, label = steps[min(step, len(steps) - 1)]
        body = button(label, f'/{version}/{step + 1}') if label else '<p>Your teapot is on its way.</p>'
        self.answer(200, page(title, body))

    def show_start(self, _):
        links = ''.join(f'<p><a href="/{name}">{name}</a>' for name in ('a', 'b', 'catalog', 'login', 'shop'))
        self.answer(200, page('Demonstration', links))

    def show_catalog(self, query):
        name, *things = SHOPS[self.server.shop % len(SHOPS)]
        second = query.get('page') == '2'
        rows = ''.join(f'<article><span class="name">{thing}</span><span class="price">{price:.2f}</span></article>'
                       for thing, price in (things[3:] if second else things[:3]))
        self.answer(200, page(html.escape(name), rows + ('' if second else '<p><a href="/catalog?page=2">Next page</a>')))

    def show_login(self, query):
        wrong = '<p role="alert">That is not right.</p>' if 'wrong' in query else ''
        self.answer(200, page('Sign in', f'{wrong}<form method="post" action="/login"><label>Name <input name="name"></label>'
                              '<label>Password <input name="password" type="password"></label><button>Sign in</button></form>'))

    def take_login(self, fields):
        if (fields.get('name'), fields.get('password')) != (NAME, PASSWORD):
            return self.go('/login?wrong=1')
        token = secrets.token_hex(16)
        self.server.signed_in.add(token)
        return self.go('/account', Set_Cookie=f'visitor={token}; HttpOnly; SameSite=Lax; Path=/')

    def show_account(self, _):
        if self.visitor() not in self.server.signed_in:
            return self.go('/login')
        return self.answer(200, page('Your account', f'<p>Signed in as <b id="who">{NAME}</b>.</p>' + button('Sign out', '/logout')))

    def take_logout(self, _):
        self.server.signed_in.discard(self.visitor())
        self.go('/login')

    def show_shop(self, _):
        visitor = self.visitor()
        with self.server.lock:
            known = visitor in self.server.baskets
            if not known and len(self.server.baskets) < BASKETS_MAX:
                visitor = secrets.token_hex(16)
                self.server.baskets[visitor] = 0
            count = self.server.baskets.get(visitor, 0)
        cookie = {} if known else {'Set_Cookie': f'visitor={visitor}; SameSite=Lax; Path=/'}
        self.answer(200, page('Shop', f'<p>In your basket: <b id="count">{count}</b></p>' + button('Add one', '/shop')), **cookie)

    def take_shop(self, _):
        with self.server.lock:
            if self.visitor() in self.server.baskets:
                self.server.baskets[self.visitor()] += 1
        self.go('/shop')

    def show_stats(self, _):
        with self.server.lock:
            baskets = sorted(self.server.baskets.values())
        self.answer(200, json.dumps({'visitors': len(baskets), 'baskets': baskets}), Content_Type='application/json')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--sites', type=int, default=1, help='how many (default 1)')
    sites = [Site(number) for number in range(max(1, parser.parse_args().sites))]
    for site in sites:
        threading.Thread(target=site.serve_forever, daemon=True).start()
    print(*(site.url for site in sites), flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass


if __name__ == '__main__':
    main()
