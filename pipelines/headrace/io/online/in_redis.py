"""The online view in Redis: a hash an entity, a script that folds windows into it, a text a set that says what counts.

Keys: ``<prefix>:<set>:held`` and ``<prefix>:<set>:<space>:<entity>``. A field of a hash is the end of a window, with
``<backfilled> <batch_id> <value>`` in it. Nothing expires by itself: how old a value may be is asked in event time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from headrace.config import RedisOnline
from headrace.errors import InfrastructureError
from headrace.io.online.store import Held, Row, Stored

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["RedisStore"]

_AT_ONCE = 1_000

# KEYS[1]: an entity's hash. ARGV[1]: how many windows it keeps; then of each end, backfilled, batch_id and value.
_PUT = """
for i = 2, #ARGV, 4 do
  local known = redis.call('HGET', KEYS[1], ARGV[i])
  local backfilled, batch = string.match(known or '-1 -1 ', '^(%S+) (%S+) ')
  local more = tonumber(ARGV[i + 1]) - tonumber(backfilled)
  if more > 0 or (more == 0 and tonumber(ARGV[i + 2]) > tonumber(batch)) then
    redis.call('HSET', KEYS[1], ARGV[i], table.concat({ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]}, ' '))
  end
end
local ends = redis.call('HKEYS', KEYS[1])
table.sort(ends, function(a, b) return tonumber(a) > tonumber(b) end)
for i = tonumber(ARGV[1]) + 1, #ends do
  redis.call('HDEL', KEYS[1], ends[i])
end
"""
# KEYS[1]: what counts. ARGV: what it has to be, empty for nothing, and what it becomes.
_SWAP = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""
# KEYS: what counts, then the hash of each entity. ARGV[1]: the end of a window that is asked for, or the next before.
_GET = """
local found = {redis.call('GET', KEYS[1])}
for i = 2, #KEYS do
  local newest = nil
  for _, window_end in ipairs(redis.call('HKEYS', KEYS[i])) do
    local number = tonumber(window_end)
    if number <= tonumber(ARGV[1]) and (newest == nil or number > tonumber(newest)) then
      newest = window_end
    end
  end
  found[i] = newest and newest .. ' ' .. redis.call('HGET', KEYS[i], newest) or ''
end
return found
"""


class RedisStore:
    """An ``OnlineStore`` in a Redis server. A server that may evict keys loses windows without a word."""

    def __init__(self, place: RedisOnline) -> None:
        self._prefix = place.prefix
        self._client = _client(place)
        self._where = _where(self._client)
        self._put, self._swap, self._get = (self._client.register_script(each) for each in (_PUT, _SWAP, _GET))
        self._last: dict[str, Held | None] = {}

    def held(self, feature_set: str) -> Held | None:
        with self._told():
            return _of(self._client.get(self._key(feature_set, "held")))

    def put(self, feature_set: str, space: str, rows: Iterable[Row], keep: int) -> None:
        by_entity = groupby(rows, key=lambda row: row.entity)
        with self._told(), self._client.pipeline(transaction=False) as pipe:
            while some := [(entity, list(windows)) for entity, windows in islice(by_entity, _AT_ONCE)]:
                for entity, windows in some:
                    told = [part for row in windows for part in row[1:]]
                    self._put(keys=[self._key(feature_set, space, entity)], args=[keep, *told], client=pipe)
                pipe.execute()

    def swap(self, feature_set: str, old: Held | None, new: Held) -> bool:
        with self._told():
            texts = ["" if old is None else old.to_text(), new.to_text()]
            if not self._swap(keys=[self._key(feature_set, "held")], args=texts):
                return False
            if old is None or old.space != new.space:
                self._remove_all_but(feature_set, new.space)
        return True

    def get(self, feature_set: str, entities: Sequence[str], at: int) -> tuple[Held | None, list[Stored | None]]:
        """One round trip as long as the space that counts is the one that did the last time."""
        with self._told():
            while True:
                last = self._last.get(feature_set)
                keys = [] if last is None else [self._key(feature_set, last.space, each) for each in entities]
                text, *found = self._get(keys=[self._key(feature_set, "held"), *keys], args=[at])
                held = self._last[feature_set] = _of(text)
                if held is None:
                    return None, [None for _ in entities]
                if last is not None and held.space == last.space:
                    return held, [_stored(each) for each in found]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    def _remove_all_but(self, feature_set: str, space: str) -> None:
        kept = (self._key(feature_set, "held"), self._key(feature_set, space, ""))
        keys = self._client.scan_iter(match=self._key(feature_set, "*"), count=_AT_ONCE)
        others = (key for key in keys if not key.startswith(kept))
        while some := list(islice(others, _AT_ONCE)):
            self._client.unlink(*some)

    @contextmanager
    def _told(self) -> Iterator[None]:
        from redis import RedisError

        try:
            yield
        except (RedisError, OSError) as error:
            text = f"the online view in Redis at {self._where} cannot be used: {type(error).__name__}: {error}"
            raise InfrastructureError(text) from error


def _client(place: RedisOnline) -> Redis:
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise InfrastructureError("the client of Redis is not installed: pip install 'headrace[redis]'") from error
    seconds = place.timeout.total_seconds()
    # Once more at once, for a connection the server has closed meanwhile; who waits longer is the caller.
    return Redis.from_url(
        place.url.get_secret_value(),
        decode_responses=True,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 1),
    )


def _where(client: Redis) -> str:
    """The server without user and password."""
    known = client.connection_pool.connection_kwargs
    return str(known.get("path") or f"{known.get('host', 'localhost')}:{known.get('port', 6379)}")


def _of(text: Any) -> Held | None:
    return None if text is None else Held.from_text(text)


def _stored(found: str) -> Stored | None:
    if not found:
        return None
    end, _, _, value = found.split(" ", 3)
    return Stored(int(end), value)
