from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Calls(_message.Message):
    __slots__ = ("calls",)
    CALLS_FIELD_NUMBER: _ClassVar[int]
    calls: _containers.RepeatedCompositeFieldContainer[Call]
    def __init__(self, calls: _Optional[_Iterable[_Union[Call, _Mapping]]] = ...) -> None: ...

class Call(_message.Message):
    __slots__ = ("number", "remaining_ms", "substation_id", "traceparent", "request_id", "place", "withdraw", "stop", "find", "page", "drain", "derate", "settle", "foresee", "bind")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    REMAINING_MS_FIELD_NUMBER: _ClassVar[int]
    SUBSTATION_ID_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    WITHDRAW_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    FIND_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    DERATE_FIELD_NUMBER: _ClassVar[int]
    SETTLE_FIELD_NUMBER: _ClassVar[int]
    FORESEE_FIELD_NUMBER: _ClassVar[int]
    BIND_FIELD_NUMBER: _ClassVar[int]
    number: int
    remaining_ms: int
    substation_id: str
    traceparent: str
    request_id: str
    place: Place
    withdraw: Withdraw
    stop: Stop
    find: Find
    page: Page
    drain: Drain
    derate: Derate
    settle: Settle
    foresee: Foresee
    bind: Bind
    def __init__(self, number: _Optional[int] = ..., remaining_ms: _Optional[int] = ..., substation_id: _Optional[str] = ..., traceparent: _Optional[str] = ..., request_id: _Optional[str] = ..., place: _Optional[_Union[Place, _Mapping]] = ..., withdraw: _Optional[_Union[Withdraw, _Mapping]] = ..., stop: _Optional[_Union[Stop, _Mapping]] = ..., find: _Optional[_Union[Find, _Mapping]] = ..., page: _Optional[_Union[Page, _Mapping]] = ..., drain: _Optional[_Union[Drain, _Mapping]] = ..., derate: _Optional[_Union[Derate, _Mapping]] = ..., settle: _Optional[_Union[Settle, _Mapping]] = ..., foresee: _Optional[_Union[Foresee, _Mapping]] = ..., bind: _Optional[_Union[Bind, _Mapping]] = ...) -> None: ...

class Place(_message.Message):
    __slots__ = ("book_id", "key", "attempt", "vehicle_id", "energy_j", "power_w", "stay_ms", "caller", "journal_id")
    BOOK_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    VEHICLE_ID_FIELD_NUMBER: _ClassVar[int]
    ENERGY_J_FIELD_NUMBER: _ClassVar[int]
    POWER_W_FIELD_NUMBER: _ClassVar[int]
    STAY_MS_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    book_id: str
    key: str
    attempt: int
    vehicle_id: str
    energy_j: int
    power_w: int
    stay_ms: int
    caller: str
    journal_id: str
    def __init__(self, book_id: _Optional[str] = ..., key: _Optional[str] = ..., attempt: _Optional[int] = ..., vehicle_id: _Optional[str] = ..., energy_j: _Optional[int] = ..., power_w: _Optional[int] = ..., stay_ms: _Optional[int] = ..., caller: _Optional[str] = ..., journal_id: _Optional[str] = ...) -> None: ...

class Withdraw(_message.Message):
    __slots__ = ("key", "attempt", "journal_id")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    key: str
    attempt: int
    journal_id: str
    def __init__(self, key: _Optional[str] = ..., attempt: _Optional[int] = ..., journal_id: _Optional[str] = ...) -> None: ...

class Settle(_message.Message):
    __slots__ = ("key", "attempt", "journal_id")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    key: str
    attempt: int
    journal_id: str
    def __init__(self, key: _Optional[str] = ..., attempt: _Optional[int] = ..., journal_id: _Optional[str] = ...) -> None: ...

class Stop(_message.Message):
    __slots__ = ("session_id", "caller")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    caller: str
    def __init__(self, session_id: _Optional[str] = ..., caller: _Optional[str] = ...) -> None: ...

class Find(_message.Message):
    __slots__ = ("session_id", "caller")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    caller: str
    def __init__(self, session_id: _Optional[str] = ..., caller: _Optional[str] = ...) -> None: ...

class Page(_message.Message):
    __slots__ = ("after", "limit", "vehicle_id", "caller")
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    VEHICLE_ID_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    after: int
    limit: int
    vehicle_id: str
    caller: str
    def __init__(self, after: _Optional[int] = ..., limit: _Optional[int] = ..., vehicle_id: _Optional[str] = ..., caller: _Optional[str] = ...) -> None: ...

class Drain(_message.Message):
    __slots__ = ("on",)
    ON_FIELD_NUMBER: _ClassVar[int]
    on: bool
    def __init__(self, on: _Optional[bool] = ...) -> None: ...

class Derate(_message.Message):
    __slots__ = ("limit_w",)
    LIMIT_W_FIELD_NUMBER: _ClassVar[int]
    limit_w: int
    def __init__(self, limit_w: _Optional[int] = ...) -> None: ...

class Foresee(_message.Message):
    __slots__ = ("first_slot", "upper_w")
    FIRST_SLOT_FIELD_NUMBER: _ClassVar[int]
    UPPER_W_FIELD_NUMBER: _ClassVar[int]
    first_slot: int
    upper_w: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, first_slot: _Optional[int] = ..., upper_w: _Optional[_Iterable[int]] = ...) -> None: ...

class Bind(_message.Message):
    __slots__ = ("book_id", "former")
    BOOK_ID_FIELD_NUMBER: _ClassVar[int]
    FORMER_FIELD_NUMBER: _ClassVar[int]
    book_id: str
    former: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, book_id: _Optional[str] = ..., former: _Optional[_Iterable[str]] = ...) -> None: ...

class Answers(_message.Message):
    __slots__ = ("answers", "report")
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[Answer]
    report: Report
    def __init__(self, answers: _Optional[_Iterable[_Union[Answer, _Mapping]]] = ..., report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("number", "outcome", "session", "sessions", "next_after")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_FIELD_NUMBER: _ClassVar[int]
    number: int
    outcome: str
    session: Session
    sessions: _containers.RepeatedCompositeFieldContainer[Session]
    next_after: int
    def __init__(self, number: _Optional[int] = ..., outcome: _Optional[str] = ..., session: _Optional[_Union[Session, _Mapping]] = ..., sessions: _Optional[_Iterable[_Union[Session, _Mapping]]] = ..., next_after: _Optional[int] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("session_id", "substation_id", "vehicle_id", "state", "energy_j", "power_w", "stay_ms", "delivered_j", "started_unix_ms", "expected_end_unix_ms", "ended_unix_ms", "taper", "caller", "paused_since_unix_ms", "paused_because", "pauses_ms", "first_end_unix_ms")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SUBSTATION_ID_FIELD_NUMBER: _ClassVar[int]
    VEHICLE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ENERGY_J_FIELD_NUMBER: _ClassVar[int]
    POWER_W_FIELD_NUMBER: _ClassVar[int]
    STAY_MS_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_J_FIELD_NUMBER: _ClassVar[int]
    STARTED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_END_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    ENDED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    TAPER_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    PAUSED_SINCE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    PAUSED_BECAUSE_FIELD_NUMBER: _ClassVar[int]
    PAUSES_MS_FIELD_NUMBER: _ClassVar[int]
    FIRST_END_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    substation_id: str
    vehicle_id: str
    state: str
    energy_j: int
    power_w: int
    stay_ms: int
    delivered_j: int
    started_unix_ms: int
    expected_end_unix_ms: int
    ended_unix_ms: int
    taper: bool
    caller: str
    paused_since_unix_ms: int
    paused_because: str
    pauses_ms: int
    first_end_unix_ms: int
    def __init__(self, session_id: _Optional[str] = ..., substation_id: _Optional[str] = ..., vehicle_id: _Optional[str] = ..., state: _Optional[str] = ..., energy_j: _Optional[int] = ..., power_w: _Optional[int] = ..., stay_ms: _Optional[int] = ..., delivered_j: _Optional[int] = ..., started_unix_ms: _Optional[int] = ..., expected_end_unix_ms: _Optional[int] = ..., ended_unix_ms: _Optional[int] = ..., taper: _Optional[bool] = ..., caller: _Optional[str] = ..., paused_since_unix_ms: _Optional[int] = ..., paused_because: _Optional[str] = ..., pauses_ms: _Optional[int] = ..., first_end_unix_ms: _Optional[int] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("substation_id", "journal_id", "epoch", "seq", "load_w", "capacity_w", "draining", "sessions", "rated_w", "book_id", "base_load_w", "owed_w", "paused", "calendar_s", "kept_w", "base_load_stale", "releases_w")
    SUBSTATION_ID_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    LOAD_W_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_W_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    RATED_W_FIELD_NUMBER: _ClassVar[int]
    BOOK_ID_FIELD_NUMBER: _ClassVar[int]
    BASE_LOAD_W_FIELD_NUMBER: _ClassVar[int]
    OWED_W_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    CALENDAR_S_FIELD_NUMBER: _ClassVar[int]
    KEPT_W_FIELD_NUMBER: _ClassVar[int]
    BASE_LOAD_STALE_FIELD_NUMBER: _ClassVar[int]
    RELEASES_W_FIELD_NUMBER: _ClassVar[int]
    substation_id: str
    journal_id: str
    epoch: int
    seq: int
    load_w: int
    capacity_w: int
    draining: bool
    sessions: int
    rated_w: int
    book_id: str
    base_load_w: int
    owed_w: int
    paused: int
    calendar_s: int
    kept_w: int
    base_load_stale: bool
    releases_w: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, substation_id: _Optional[str] = ..., journal_id: _Optional[str] = ..., epoch: _Optional[int] = ..., seq: _Optional[int] = ..., load_w: _Optional[int] = ..., capacity_w: _Optional[int] = ..., draining: _Optional[bool] = ..., sessions: _Optional[int] = ..., rated_w: _Optional[int] = ..., book_id: _Optional[str] = ..., base_load_w: _Optional[int] = ..., owed_w: _Optional[int] = ..., paused: _Optional[int] = ..., calendar_s: _Optional[int] = ..., kept_w: _Optional[int] = ..., base_load_stale: _Optional[bool] = ..., releases_w: _Optional[_Iterable[int]] = ...) -> None: ...
