"""Tokens that clients send."""

import stat
from base64 import b64decode
from collections.abc import Iterable
from hmac import compare_digest
from pathlib import Path

BASIC, BEARER = "basic", "bearer"


def read_tokens(path: Path) -> tuple[str, ...]:
    """Read a file of tokens, separated by spaces or line breaks.

    path (Path): The file.
    RETURNS (tuple[str, ...]): The tokens.
    RAISES (ValueError): If the file is missing or has no tokens.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file (--token-file)")
    try:
        tokens = tuple(path.read_text("ascii").split())
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: tokens must be ASCII") from error
    if not tokens:
        raise ValueError(f"{path}: the file must have at least one token, got none")
    return tokens


def can_others_read(path: Path) -> bool:
    """Check whether all users of the machine may read a file.

    path (Path): The file.
    RETURNS (bool): Whether they may.
    """
    return bool(path.stat().st_mode & stat.S_IROTH)


def is_allowed(header: str, tokens: Iterable[str]) -> bool:
    """Check the `Authorization` of a request. The time that it takes tells nothing about tokens.

    header (str): The value of the header; empty if there is none. With basic authentication, the
        password is the token, and the user may have any name.
    tokens (Iterable[str]): The tokens.
    RETURNS (bool): Whether it has one of the tokens.
    """
    scheme, _, given = header.partition(" ")
    own = given.strip().encode()
    if scheme.lower() == BASIC:
        own = _read_password(own)
    # All are compared: to stop at the first one would tell its position.
    found = [compare_digest(own, token.encode()) for token in tokens]
    return any(found) and scheme.lower() in (BASIC, BEARER)


def _read_password(credentials: bytes) -> bytes:
    try:
        return b64decode(credentials, validate=True).partition(b":")[2]
    except ValueError:
        return b""
