"""What network stores say when something is wrong, in one sentence with the remedy and nothing secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from falconql.runtime.errors import DataError, FalconQLError
from falconql.runtime.io.address import scheme_of, split, without_secrets

_LOGINS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE; for public data AWS_NO_SIGN_REQUEST=1",
    "gs": "log in with `gcloud auth application-default login`; for public data GS_NO_SIGN_REQUEST=1",
    "hf": "log in with `hf auth login`, or set HF_TOKEN; a gated dataset must be accepted on its page first",
    "http": "look whether the address still holds in a browser; links that are signed expire",
}
_CLOCK = "look at the secret key and at the clock of this machine"
_REGION = "set AWS_REGION"
_RULES: tuple[tuple[str, str, str | None], ...] = (
    # What is said, what it means, the remedy; "login" stands for that of the store.
    (r"^InvalidURL\b", "{name} is no address of a web server", "look at the name of the server and at its port"),
    (r"NO_SUCH_BUCKET|NoSuchBucket|bucket does not exist", "there is no bucket {host}", "look at the name and region"),
    (r"INVALID_ACCESS_KEY_ID|InvalidAccessKeyId", "the access key of {name} is not known there", "login"),
    (r"SIGNATURE_DOES_NOT_MATCH|SignatureDoesNotMatch", "the secret key of {name} does not fit its access key", _CLOCK),
    (r"EXPIRED_TOKEN|ExpiredToken|TokenRefreshRequired", "the session for {name} has expired", "login"),
    (
        r"PERMANENT_REDIRECT|[Ss]tatus 301\b|AUTHORIZATION_HEADER_MALFORMED",
        "{name} is in another region",
        _REGION,
    ),
    (
        r"ACCESS_DENIED|AccessDenied|Forbidden|HTTP status 40[13]|[Ss]tatus 40[13]|\b40[13]\b|PERMISSION_DENIED"
        r"|UNAUTHENTICATED|Unauthorized|[Gg]ated|credentials",
        "no permission to {verb} {name}",
        "login",
    ),
    (
        r"RepositoryNotFound|Repository Not Found",
        "there is no dataset {name}, or it is private",
        "login",
    ),
    (
        r"[Tt]imeout|[Tt]imed out|curlCode: 28|DEADLINE_EXCEEDED|REQUEST_TIMEOUT",
        "{name} does not answer in time",
        "try again; the server or the network is slow",
    ),
    (
        r"NETWORK_CONNECTION|curlCode: [67]\b|[Cc]onnect|getaddrinfo|Name or service|UNAVAILABLE|Server disconnected",
        "the server of {name} cannot be reached",
        "look at the network{endpoint}",
    ),
    (
        r"SLOW_DOWN|SlowDown|TOO_MANY|\b429\b|THROTTL",
        "the server of {name} takes no more requests now",
        "wait a while and try again",
    ),
    (
        r"^(BrokenOff|IncompleteRead)\b",
        "the connection to the server of {name} breaks off before the end",
        "try again later; if it stays so, fetch the file with another program",
    ),
    (r"that would lead to an infinite loop", "the server of {name} sends us round in circles", "look at the address"),
    (r"\b50[0-9]\b|INTERNAL_FAILURE|SERVICE_UNAVAILABLE", "the server of {name} has a fault", "try again later"),
)
_KEY = re.compile(r"\bkey '.*?'(?= in bucket )")
# Of the modules that talk to the network: their failures are those of the world, not of FalconQL.
_NETWORK_MODULES = ("fsspec", "http", "httpcore", "httpcore2", "httpx", "httpx2", "huggingface_hub", "requests")


class Remote(DataError):
    """Something elsewhere cannot be read or written: it is the world's fault, and may be another one tomorrow."""


class BrokenOff(OSError):
    """A body ends before the length that was announced."""


class Changed(OSError):
    """A file is not the one whose reading was begun."""


def explained(error: BaseException, location: str, name: str, *, verb: str = "read") -> Remote:
    """Return what is wrong with an address.

    Args:
        error: what was raised.
        location: the address as it was given.
        name: the same as it may be shown.
        verb: what was tried.
    """
    scheme = scheme_of(location) or "http"
    scheme = "http" if scheme == "https" else scheme
    host = split(location)[1]
    # Digits and words in the name of an object are none of the store's.
    said = _KEY.sub("key", f"{type(error).__name__} {getattr(error, 'code', '')} {error}")
    if isinstance(error, FileNotFoundError) and not re.search(r"NO_SUCH_BUCKET|NoSuchBucket|Repository", said):
        return Remote(f"there is no file {name}", hint=None if scheme == "http" else "a folder or a glob will do, too")
    if isinstance(error, Changed):
        return Remote(f"{name} has changed while it was read", hint="run the same command again")
    if getattr(error, "code", None) in (404, 410):
        return Remote(f"there is no file {name}")
    endpoint = ", and at AWS_ENDPOINT_URL" if scheme == "s3" else ""
    for pattern, meaning, remedy in _RULES:
        if remedy == _REGION and scheme != "s3":
            continue
        if re.search(pattern, said):
            hint = _LOGINS[scheme] if remedy == "login" else remedy
            return Remote(
                meaning.format(name=name, host=host, verb=verb), hint=hint and hint.replace("{endpoint}", endpoint)
            )
    if re.search(r"compressed|decompress", said, re.IGNORECASE):
        return Remote(f"cannot {verb} {name}: its compressed data is damaged or cut off")
    words = without_secrets(" ".join(str(error).split()), location)[:200]
    return Remote(f"cannot {verb} {name}: {words or type(error).__name__}")


@contextmanager
def at(location: str, name: str, *, verb: str = "read") -> Iterator[None]:
    """Turn what the network says into messages about ``name``; what it said itself may hold secrets, and is dropped."""
    problem: Remote | None = None
    try:
        yield
    except (FalconQLError, pa.ArrowInvalid):
        raise
    except Exception as error:
        if not (isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _NETWORK_MODULES):
            raise
        problem = explained(error, location, name, verb=verb)
    if problem is not None:
        # Raised here, it carries nothing of what was raised there.
        raise problem from None
