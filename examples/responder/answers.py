"""Answers to questions about a session, out of what was said in it and nothing else.

Pure functions: a question and a history (a list of {"role", "content"}, the oldest first) in, an answer out, which is a
dict with "answer" and, where there is something to say, "findings", "sources", "next_steps" and "confidence_score".
"""

import re

LINES_MAX = 10
LINE_CHARS_MAX = 300
TROUBLE = re.compile(r'\b(errors?|fail(?:s|ed|ure|ures)?|timeouts?|timed out|crash(?:ed|es)?|refused|denied|exhausted|unreachable|warn(?:ing)?s?|slow)\b', re.I)
COMMON = set('a about all an and any are as at be been but by can could did do does for from had has have how i if in into is it its '
             'just know last many me more most much my no not of on or our out please recent said say says session should show so '
             'some tell than that the their them then there these they this those to up was we were what when where which who '
             'why will with would you your'.split())
CAN = ('I only know what was said in this session. Ask me: how many messages there are; what was said about a word; '
       'what happened last; what went wrong.')


def answer_to(query, history):
    """The answer to `query`."""
    said = [entry for entry in history if isinstance(entry, dict) and isinstance(entry.get('content'), str)]
    for words, reply in ((r'\bhow many\b|\bcount\b', count), (r'\b(?:said|say|says|know|mention\w*|anything) about\b|\bfind\b', repeat),
                         (r'\b(?:recent|last|latest|happened|steps|so far)\b', recount),
                         (r'\b(?:wrong|problem|broken|trouble|error|errors|fail\w*|cause)\b', look_for_trouble)):
        if re.search(words, query, re.I):
            return reply(query, said)
    return search(query, said)


def count(query, said):
    steps = [entry for entry in said if entry.get('role') != 'assistant']
    kinds = {}
    for entry in steps:
        kind = kind_of(entry)
        kinds[kind] = kinds.get(kind, 0) + 1
    word = next((word for word in words_of(query) if word not in ('many', 'count', 'messages', 'message', 'times', 'often')), None)
    if word:
        found = mentions(said, [word])
        return told(f'“{word}” is in {amount(len(found), "entry", "entries")} of the last {len(said)}.', found, 1.0)
    if not said:
        return told('Nothing was said in this session so far.', [], 1.0)
    parts = ', '.join(f'{number} × {kind}' for kind, number in kinds.items())
    answers = len(said) - len(steps)
    return told(f'{amount(len(steps), "message or question", "messages and questions")} ({parts}) and {amount(answers, "answer", "answers")}.', [], 1.0)


def repeat(query, said):
    match = re.search(r'\babout\s+(?:the\s+)?["“]?([^"”?.!]+)|\bfind\s+["“]?([^"”?.!]+)', query, re.I)
    words = words_of((match.group(1) or match.group(2)) if match else query)
    return listed(words, said)


def recount(query, said):
    number = re.search(r'\blast (\d{1,2})\b', query, re.I)
    recent = happenings(said)[-min(int(number.group(1)) if number else 5, LINES_MAX):]
    if not recent:
        return told('Nothing happened in this session so far.', [], 1.0)
    return told('What was said last, the newest at the end:\n' + lines_of(recent), recent)


def look_for_trouble(query, said):
    found = [entry for entry in happenings(said) if TROUBLE.search(entry['content'])]
    if not found:
        return told('Nothing in this session sounds like trouble.', [], None, next_steps=['Describe what you see, and ask again.'])
    first = found[0]
    text = f'{amount(len(found), "entry sounds", "entries sound")} like trouble; it began with “{shorten(first["content"])}”.'
    if len(found) > 1:
        text += '\n' + lines_of(found)
    return told(text, found, None, findings=[{'message': shorten(entry['content'])} for entry in found[:LINES_MAX]],
                next_steps=[f'Look at what came before “{shorten(first["content"], 80)}”.'])


def search(query, said):
    words = words_of(query)
    return listed(words, said) if words else told(CAN, [])


def listed(words, said):
    found = mentions(said, words)
    name = ' or '.join(f'“{word}”' for word in words) or 'that'
    if not found:
        return told(f'Nothing was said about {name} in this session. {CAN}', [])
    score = sum(any(stem_of(word) in entry['content'].lower() for entry in found) for word in words) / len(words)
    return told(f'{amount(len(found), "entry mentions", "entries mention")} {name}:\n{lines_of(found)}', found, round(score, 2))


def happenings(said):
    """What is neither a question nor an answer."""
    return [entry for entry in said if kind_of(entry) != 'question' and entry.get('role') != 'assistant']


def mentions(said, words):
    return [entry for entry in happenings(said) if any(stem_of(word) in entry['content'].lower() for word in words)]


def told(text, sources, score=None, **more):
    answer = {'answer': text, **more}
    if sources:
        answer['sources'] = [{'type': 'session', 'excerpt': shorten(entry['content'])} for entry in sources[:LINES_MAX]]
    if score is not None:
        answer['confidence_score'] = score
    return answer


def words_of(text):
    words = re.findall(r'[\w.-]{2,}', text.lower())
    return list(dict.fromkeys(word.strip('.-') for word in words if word.strip('.-') and word not in COMMON))


def stem_of(word):
    return word[:-1] if len(word) > 3 and word.endswith('s') and not word.endswith('ss') else word


def kind_of(entry):
    match = re.match(r'([\w.-]+): ', entry['content'])
    return match.group(1) if match else 'question'


def lines_of(entries):
    lines = [f'- {shorten(entry["content"])}' for entry in entries[:LINES_MAX]]
    if len(entries) > LINES_MAX:
        lines.append(f'- and {len(entries) - LINES_MAX} more')
    return '\n'.join(lines)


def shorten(text, chars_max=LINE_CHARS_MAX):
    line = ' '.join(text.split())
    return line if len(line) <= chars_max else line[:chars_max - 1] + '…'


def amount(number, one, many):
    return f'{number} {one if number == 1 else many}'
