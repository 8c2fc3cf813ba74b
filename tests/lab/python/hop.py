"""An SSH server on the way that does as its first argument says with what goes through it; written with asyncssh.

The second argument is its host key, the third the file of keys that it lets in. As well as the words below it takes
`cut-N`: the channel is closed after the server behind it has sent its Nth message, identification string included.
"""

import asyncio
import os
import sys

import asyncssh

HOW, HOST_KEY, KEYS = sys.argv[1:4]
CODE = "246810"
REFUSALS = {
    "prohibited": (1, "open failed"),
    "not-reached": (2, "Connection refused"),
    "unknown-type": (3, "unknown channel type"),
    "short-of-resources": (4, "too many channels"),
    "unheard-of": (4711, "the moon is in the wrong house"),
    "hostile": (2, "\x1b]0;owned\x07\x1b[2J\u202eaccess works\r\n" + "x" * 4000),
    "wordless": (1, ""),
}


def listed(key):
    """Whether the key is among those that are let in."""
    if not os.path.exists(KEYS):
        return False
    lines = (line.split("ssh-", 1) for line in open(KEYS) if line.strip())
    return any(asyncssh.import_public_key("ssh-" + line[-1]).public_data == key.public_data for line in lines)


class Server(asyncssh.SSHServer):
    """One connection."""

    def connection_made(self, conn):
        self.conn = conn

    def begin_auth(self, username):
        if HOW == "maintenance":
            raise asyncssh.DisconnectError(11, "maintenance until 18:00 UTC")
        return True

    def public_key_auth_supported(self):
        return HOW != "code"

    def validate_public_key(self, username, key):
        return listed(key)

    def kbdint_auth_supported(self):
        return HOW == "code"

    def get_kbdint_challenge(self, username, lang, submethods):
        return "One-time code", "Read it off your device.", "en", [("Code: ", False)]

    def validate_kbdint_response(self, username, responses):
        return responses == [CODE]

    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):
        if HOW in REFUSALS:
            raise asyncssh.ChannelOpenError(*REFUSALS[HOW])
        if HOW == "never":
            return asyncio.Event().wait()
        if HOW == "hangs-up-at-the-open":
            self.conn.abort()
            raise asyncssh.ChannelOpenError(1, "")
        if HOW in ("", "code"):
            return True

        async def carry(reader, writer):
            await tunnel(reader, writer, dest_host, dest_port)

        return carry


async def tunnel(reader, writer, host, port):
    """What goes through."""
    if HOW == "garbage":
        writer.write(os.urandom(65536))
        await reader.read()
    elif HOW == "flood":
        while True:
            writer.write(os.urandom(32768))
            await writer.drain()
    elif HOW == "closes":
        pass
    elif HOW == "ends":
        writer.write_eof()
        await reader.read()
    elif HOW == "silent":
        while await reader.read(65536):
            pass
        await asyncio.Event().wait()
    elif HOW == "web":
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nConnection: close\r\n\r\n")
    elif HOW.startswith("cut-"):
        await cut(reader, writer, host, port, int(HOW[4:]))
    writer.close()


async def cut(reader, writer, host, port, most):
    """Carries so many of the server's messages: packets while they can be read, and then whatever comes at once."""
    from_server, to_server = await asyncio.open_connection(host, port)

    async def onward():
        while some := await reader.read(65536):
            to_server.write(some)

    asyncio.ensure_future(onward())
    sealed = False
    for count in range(most):
        if count == 0:
            message = await from_server.readline()
        elif sealed:
            message = await from_server.read(65536)
        else:
            length = await from_server.readexactly(4)
            packet = await from_server.readexactly(int.from_bytes(length, "big"))
            sealed = packet[1] == 21
            message = length + packet
        writer.write(message)
    # What was written goes first.
    await asyncio.sleep(0.2)


def handle(process):
    """A shell that ends at once."""
    process.exit(0)


async def main():
    await asyncssh.create_server(Server, "", 22, server_host_keys=[HOST_KEY], process_factory=handle)
    print("listening", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
