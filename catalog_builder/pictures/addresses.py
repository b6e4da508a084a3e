"""Texts of a list enter; whether each is a web address, and the address that is asked for, leave.

    >>> asked("HTTPS://Shop.example/Käse 1.jpg#top")
    'https://shop.example/K%C3%A4se%201.jpg'
"""

import re
from urllib.parse import quote, urlsplit

from export.common.errors import InputError

ADDRESS = re.compile(r"https?://[^/\s]|//[^/\s]+\.[^/\s]+/", re.IGNORECASE)
CREDENTIALS = re.compile(r"(?<=//)[^/?#]*@")
CONTROL = re.compile("[\x00-\x1f\x7f]")
STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
SAFE = "%/:@!$&'()*+,;=~-._"                 # stay as they are in a path
LONGEST = 8192                               # characters of an address
SHOWN = 200                                  # characters of an address in a message


def is_address(text: str) -> bool:
    """Whether a text is a web address: http, https, or `//host/…`, which stands for https."""
    return bool(ADDRESS.match(text.strip()))


def shown_address(address: str) -> str:
    """The address in one short line, without a password."""
    text = CREDENTIALS.sub("", " ".join(CONTROL.sub(" ", address).split()))
    return text if len(text) <= SHOWN else text[:SHOWN - 3] + "..."


def asked(address: str) -> str:
    """The address as a server is asked for it; two texts with the same answer are one address.

    `//host` becomes https, scheme and host lower case, blanks and non-ASCII percent-encoded in UTF-8; the fragment is
    dropped. Raises InputError for another scheme, for a name and password, and for what is no address.
    """
    text = address.strip()
    text = f"https:{text}" if text.startswith("//") else text
    if CONTROL.search(text) or len(text) > LONGEST:
        raise InputError("the address cannot be asked for", found=shown_address(text),
                         expected=f"at most {LONGEST} characters, no control characters")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
        if parts.scheme not in ("http", "https") or not host:
            raise InputError("the address cannot be asked for", expected="http:// or https:// and a host",
                             found=shown_address(text))
        if "@" in parts.netloc:
            raise InputError("the address holds a name or password", found=shown_address(text),
                             expected="an address that anybody may open", remedy="take it out of the address")
        path = _encoded(parts.path or "/", SAFE)
        query = f"?{_encoded(parts.query, SAFE + '?[]')}" if parts.query else ""
        return f"{parts.scheme}://{_host(host)}{f':{port}' if port is not None else ''}{path}{query}"
    except ValueError as error:              # a port or an IPv6 address that is none, a host or a text without encoding
        raise InputError("the address cannot be asked for", found=f"{shown_address(text)}: {error}",
                         expected="such as https://host/picture.jpg") from error


def host_of(address: str) -> str:
    """The host of an address that `asked` gave."""
    return urlsplit(address).hostname or ""


def _encoded(text: str, safe: str) -> str:
    return STRAY_PERCENT.sub("%25", quote(text, safe=safe))


def _host(host: str) -> str:
    """The host in ASCII: IDNA for other letters, brackets around IPv6."""
    if ":" in host:
        return f"[{host}]"
    return host if host.isascii() else host.encode("idna").decode()
