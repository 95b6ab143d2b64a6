"""Running a proxy: a small encoder that answers label and span instructions."""

from __future__ import annotations

from falconql.runtime.proxy.base import Proxy, SpanValue
from falconql.runtime.proxy.registry import add_proxy, find_proxy, list_proxies, open_proxy, remove_proxy, show_proxy

__all__ = ["Proxy", "SpanValue", "add_proxy", "find_proxy", "list_proxies", "open_proxy", "remove_proxy", "show_proxy"]
