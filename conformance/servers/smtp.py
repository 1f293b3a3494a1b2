# An SMTP server; prints "ready <port>". Messages go to numbered files of the directory that its argument
# names: a line for the sender, one for each recipient, an empty one, then the message.
import asyncio
import os
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

directory = sys.argv[1]


class Handler:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        Handler.count += 1
        lines = ["from " + envelope.mail_from]
        lines += ["to " + recipient for recipient in envelope.rcpt_tos]
        name = os.path.join(directory, str(Handler.count))
        with open(name + ".part", "wb") as file:
            file.write("\n".join(lines).encode() + b"\n\n" + envelope.content)
        # Whoever sees the file sees all of it.
        os.rename(name + ".part", name)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    known = LoginPassword(b"user", b"password")
    # Not handled: the server itself says what is so.
    return AuthResult(success=data == known, handled=False)


async def main():
    loop = asyncio.get_running_loop()
    handler = Handler()

    def connection():
        return SMTP(handler, hostname="localhost", authenticator=authenticate, auth_require_tls=False)

    server = await loop.create_server(connection, "127.0.0.1", 0)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
