"""What may the page at `/` load and run? Its own script and style, by their hashes."""

import base64
import hashlib
import re
from importlib.resources import files


class Page:
    """The page for people, `page.html`, with the headers that confine it."""

    def __init__(self) -> None:
        self.html = (files(__package__) / "page.html").read_text(encoding="utf-8")
        self.headers = {
            "Content-Security-Policy": _policy(self.html),
            "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
        }


def _policy(html: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hash(html, 'script')}",
            f"style-src {_hash(html, 'style')}",
            "img-src blob: data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _hash(html: str, tag: str) -> str:
    """The source of the only inline script or style, as a policy names it."""
    (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
