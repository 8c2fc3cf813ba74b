"""An SSH server that answers as its first argument says; written with paramiko.

It knows the keys in deploy's authorized_keys.
"""

import os
import socket
import sys
import threading

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_PARTIALLY_SUCCESSFUL,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)

HOW = sys.argv[1]
KEYS = "/home/deploy/.ssh/authorized_keys"


def listed(key):
    """Whether deploy's authorized_keys lists the key."""
    if not os.path.exists(KEYS):
        return False
    return key.get_base64() in [line.split()[1] for line in open(KEYS) if line.strip()]


class Server(paramiko.ServerInterface):
    """One connection."""

    keys_done = 0

    def get_allowed_auths(self, username):
        return {
            "unusual-methods": "vendor-sso@example.com,keyboard-interactive-2",
            "partial-unusual": "publickey" if not self.keys_done else "vendor-sso@example.com",
            "partial-hostbased": "publickey" if not self.keys_done else "hostbased",
            "gssapi-only": "gssapi-with-mic",
            "two-keys": "publickey",
        }.get(HOW, "publickey")

    def check_auth_none(self, username):
        return AUTH_SUCCESSFUL if HOW == "none-is-enough" else AUTH_FAILED

    def check_auth_publickey(self, username, key):
        if not listed(key):
            return AUTH_FAILED
        if HOW.startswith("partial-") or HOW == "two-keys":
            # The same method both answers the query and the signed request: a query is no success.
            self.keys_done += 1
            return AUTH_PARTIALLY_SUCCESSFUL
        if HOW == "refuse-after-the-signature":
            self.keys_done += 1
            return AUTH_SUCCESSFUL if self.keys_done % 2 else AUTH_FAILED
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind, chanid):
        if HOW == "no-channels":
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        if HOW == "no-commands":
            return False

        def end():
            channel.send_exit_status(0)
            channel.close()

        threading.Timer(0.05, end).start()
        return True


def serve(client):
    transport = paramiko.Transport(client)
    transport.add_server_key(paramiko.Ed25519Key(filename="/etc/ssh/ssh_host_ed25519_key"))
    transport.local_version = "SSH-2.0-Appliance 7"
    try:
        transport.start_server(server=Server())
        transport.join(60)
    except Exception as error:
        print(error, flush=True)


listener = socket.create_server(("192.0.2.7", 22))
print("listening", flush=True)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
