"""python-socketio under remote control: a line of JSON in for each thing to do, a line out for each answer and event.

{"do": "connect", "client": 1, "url": ..., "namespace": ..., "auth": ..., "transports": [...]}, then "emit", "call"
(which waits for the acknowledgement) and "disconnect". Bytes stand in JSON as {"$bytes": "<base64>"}.
"""

import asyncio
import base64
import json
import sys

import engineio
import socketio

engineio.payload.Payload.max_decode_packets = 1000  # of one polling answer; 16 are too few for a burst

clients = {}


def tell(**line):
    print(json.dumps(packed(line)), flush=True)


def packed(value):
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: packed(inner) for key, inner in value.items()}
    return [packed(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def unpacked(value):
    if isinstance(value, dict):
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        return {key: unpacked(inner) for key, inner in value.items()}
    return [unpacked(inner) for inner in value] if isinstance(value, list) else value


async def connect(client, url, namespace, transports, auth=None, **_):
    connection = socketio.AsyncClient(reconnection=False)
    clients[client] = (connection, namespace)
    for name in ("auth", "message-back"):
        connection.on(name, lambda *args, name=name: tell(client=client, event=name, args=args), namespace=namespace)
    connection.on("disconnect", lambda *_: tell(client=client, event="$gone"), namespace=namespace)
    refusal = asyncio.get_running_loop().create_future()
    connection.on("connect_error", lambda reason: refusal.done() or refusal.set_result(reason), namespace=namespace)
    done = asyncio.ensure_future(
        connection.connect(url, namespaces=[namespace], transports=transports, auth=auth, wait_timeout=5))
    await asyncio.wait([done, refusal], return_when=asyncio.FIRST_COMPLETED)
    if refusal.done():  # the library itself goes on waiting
        done.cancel()
        await connection.disconnect()
        raise ConnectionRefusedError(refusal.result())
    await done
    return {"sid": connection.get_sid(namespace), "transport": connection.transport()}


async def emit(client, args, **_):
    connection, namespace = clients[client]
    await connection.emit(args[0], tuple(args[1:]), namespace=namespace)


async def call(client, args, **_):
    connection, namespace = clients[client]
    answer = await connection.call(args[0], tuple(args[1:]), namespace=namespace, timeout=5)
    return list(answer) if isinstance(answer, tuple) else [] if answer is None else [answer]


async def disconnect(client, **_):
    await clients.pop(client)[0].disconnect()


async def perform(line):
    try:
        result = await {"connect": connect, "emit": emit, "call": call, "disconnect": disconnect}[line["do"]](**line)
        tell(id=line["id"], result=result)
    except Exception as problem:  # whatever a library throws is the answer
        tell(id=line["id"], error=f"{type(problem).__name__}: {problem}")


async def main():
    lines = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    tasks = set()
    while text := await lines.readline():
        task = asyncio.create_task(perform(unpacked(json.loads(text))))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
