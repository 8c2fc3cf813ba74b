"""An SSH server that answers as its first argument says; written with asyncssh.

It knows the keys in deploy's authorized_keys.
"""

import asyncio
import os
import sys

import asyncssh

HOW = sys.argv[1]
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
KEYS = "/home/deploy/.ssh/authorized_keys"


def listed(key):
    """Whether deploy's authorized_keys lists the key."""
    if not os.path.exists(KEYS):
        return False
    kept = (asyncssh.import_public_key(line) for line in open(KEYS) if line.strip())
    return any(one.public_data == key.public_data for one in kept)


class Server(asyncssh.SSHServer):
    """One connection."""

    def connection_made(self, conn):
        self.conn = conn

    def begin_auth(self, username):
        if HOW == "no-authentication":
            return False
        if HOW == "huge-banner":
            for number in range(40):
                self.conn.send_auth_banner(f"{number:04} " + "all access is monitored, " * 300 + "\r\n")
        if HOW == "hostile-banner":
            self.conn.send_auth_banner("\x1b]0;owned\x07\x1b[2J\u202eaccess works\r\nPermission denied\r\n")
        if HOW == "expired-by-name":
            self.conn.send_auth_banner("Your account has expired; ask the help desk.\r\n")
        if HOW.startswith("disconnect-"):
            codes = {
                "disconnect-not-allowed": (1, "host not allowed to connect"),
                "disconnect-by-application": (11, "maintenance until 18:00 UTC"),
                "disconnect-too-many-connections": (12, "Too many connections from this address"),
                "disconnect-illegal-user": (15, "user is unknown here"),
                "disconnect-no-methods": (14, "No supported authentication methods available"),
                "disconnect-hostile": (2, "\x1b[31mline one\r\nline two \u202e" + "x" * 4000),
            }
            raise asyncssh.DisconnectError(*codes[HOW])
        return True

    def public_key_auth_supported(self):
        return HOW not in ("password-only", "dialogue-only", "dialogue-of-ten-thousand", "dialogue-without-end")

    def validate_public_key(self, username, key):
        return HOW == "yes-to-all" or listed(key)

    def password_auth_supported(self):
        return HOW in ("password-only", "key-or-password", "password-expired")

    def validate_password(self, username, password):
        if HOW == "password-expired":
            raise asyncssh.PasswordChangeRequired("Your password has expired; choose a new one.")
        return False

    def kbdint_auth_supported(self):
        return HOW in ("dialogue-only", "dialogue-of-ten-thousand", "dialogue-without-end")

    def get_kbdint_challenge(self, username, lang, submethods):
        if HOW == "dialogue-of-ten-thousand":
            return "", "", "", [(f"Code {number}: ", False) for number in range(10_000)]
        return "One-time code", "Read it off your device.", "en", [("Code: ", False)]

    def validate_kbdint_response(self, username, responses):
        if HOW == "dialogue-without-end":
            return "", "", "", [("Code: ", False)]
        return False


def handle(process):
    """A shell that says who it is and ends."""
    process.exit(0)


async def main():
    await asyncssh.create_server(
        Server, "192.0.2.7", 22, server_host_keys=[HOST_KEY], process_factory=handle, server_version="Gate_1.0"
    )
    print("listening", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
