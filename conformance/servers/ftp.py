# An FTP server of the directory that its argument names; prints "ready <port>".
import logging
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

logging.basicConfig(level=logging.ERROR)
root = sys.argv[1]


class Handler(FTPHandler):
    authorizer = DummyAuthorizer()


# As whom LuaSocket comes that has no user.
Handler.authorizer.add_user("ftp", "anonymous@anonymous.org", root, perm="elr")
Handler.authorizer.add_user("user", "password", root, perm="elradfmw")
server = FTPServer(("127.0.0.1", 0), Handler)
print("ready", server.socket.getsockname()[1], flush=True)
server.serve_forever()
