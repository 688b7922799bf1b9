# S3, SQS and what S3 tells SQS, for the tests, by moto. It says its port on stdout and ends with its stdin, so that nothing is left
# when a test is killed.

import functools
import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.responses import S3Response
from werkzeug.serving import WSGIRequestHandler, make_server

# moto looks whether an object is there and then writes it. Only one after the other that is a conditional write.
lock = threading.RLock()


def one_at_a_time(method):
    @functools.wraps(method)
    def locked(*arguments, **named):
        with lock:
            return method(*arguments, **named)

    return locked


for name in ("put_object", "copy_object", "delete_object", "_key_response_post"):
    setattr(S3Response, name, one_at_a_time(getattr(S3Response, name)))


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass


server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True, request_handler=Quiet)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
