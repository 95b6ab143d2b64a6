"""A local S3 server in a process of its own: what it warns of is no concern of the tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KEY, SECRET = "AKIAPLANTED0", "planted-secret"
_CODE = (
    "import sys; from moto.server import ThreadedMotoServer as S; s = S('127.0.0.1', port=0, verbose=False);"
    "s.start(); print(s.get_host_and_port()[1], flush=True); sys.stdin.read()"
)


@contextmanager
def s3_server(log: Path) -> Iterator[dict[str, str]]:
    """Serve, and yield the environment in which it is found."""
    with (
        log.open("wb") as told,
        subprocess.Popen(
            [sys.executable, "-c", _CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told
        ) as server,
    ):
        assert server.stdout is not None
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{int(server.stdout.readline())}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        server.kill()


def file_system(environment: Mapping[str, str]) -> Any:
    """Return Arrow's view of the server, patient with a busy machine, to put files there and look at them."""
    from pyarrow import fs

    return fs.S3FileSystem(
        endpoint_override=environment["AWS_ENDPOINT_URL"],
        access_key=KEY,
        secret_key=SECRET,
        region="us-east-1",
        allow_bucket_creation=True,
        connect_timeout=60,
        request_timeout=60,
    )
