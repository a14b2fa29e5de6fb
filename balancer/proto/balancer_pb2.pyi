from substation.proto import substation_pb2 as _substation_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Calls(_message.Message):
    __slots__ = ("calls", "cancelled")
    CALLS_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    calls: _containers.RepeatedCompositeFieldContainer[Call]
    cancelled: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, calls: _Optional[_Iterable[_Union[Call, _Mapping]]] = ..., cancelled: _Optional[_Iterable[int]] = ...) -> None: ...

class Call(_message.Message):
    __slots__ = ("number", "remaining_ms", "traceparent", "request_id", "charge", "stop", "find", "page")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    REMAINING_MS_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHARGE_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    FIND_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    number: int
    remaining_ms: int
    traceparent: str
    request_id: str
    charge: Charge
    stop: Stop
    find: Find
    page: Page
    def __init__(self, number: _Optional[int] = ..., remaining_ms: _Optional[int] = ..., traceparent: _Optional[str] = ..., request_id: _Optional[str] = ..., charge: _Optional[_Union[Charge, _Mapping]] = ..., stop: _Optional[_Union[Stop, _Mapping]] = ..., find: _Optional[_Union[Find, _Mapping]] = ..., page: _Optional[_Union[Page, _Mapping]] = ...) -> None: ...

class Charge(_message.Message):
    __slots__ = ("key", "fingerprint", "vehicle_id", "energy_j", "power_w", "stay_ms", "substations", "max_wait_ms", "caller")
    KEY_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    VEHICLE_ID_FIELD_NUMBER: _ClassVar[int]
    ENERGY_J_FIELD_NUMBER: _ClassVar[int]
    POWER_W_FIELD_NUMBER: _ClassVar[int]
    STAY_MS_FIELD_NUMBER: _ClassVar[int]
    SUBSTATIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    key: str
    fingerprint: str
    vehicle_id: str
    energy_j: int
    power_w: int
    stay_ms: int
    substations: _containers.RepeatedScalarFieldContainer[str]
    max_wait_ms: int
    caller: str
    def __init__(self, key: _Optional[str] = ..., fingerprint: _Optional[str] = ..., vehicle_id: _Optional[str] = ..., energy_j: _Optional[int] = ..., power_w: _Optional[int] = ..., stay_ms: _Optional[int] = ..., substations: _Optional[_Iterable[str]] = ..., max_wait_ms: _Optional[int] = ..., caller: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("vehicle_id", "cursor", "limit", "caller")
    VEHICLE_ID_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    vehicle_id: str
    cursor: str
    limit: int
    caller: str
    def __init__(self, vehicle_id: _Optional[str] = ..., cursor: _Optional[str] = ..., limit: _Optional[int] = ..., caller: _Optional[str] = ...) -> None: ...

class Answers(_message.Message):
    __slots__ = ("answers", "book_id", "waiting_for")
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    BOOK_ID_FIELD_NUMBER: _ClassVar[int]
    WAITING_FOR_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[Answer]
    book_id: str
    waiting_for: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, answers: _Optional[_Iterable[_Union[Answer, _Mapping]]] = ..., book_id: _Optional[str] = ..., waiting_for: _Optional[_Iterable[str]] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("number", "outcome", "session", "retry_after_ms", "detail", "sessions", "next_cursor")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    number: int
    outcome: str
    session: _substation_pb2.Session
    retry_after_ms: int
    detail: str
    sessions: _containers.RepeatedCompositeFieldContainer[_substation_pb2.Session]
    next_cursor: str
    def __init__(self, number: _Optional[int] = ..., outcome: _Optional[str] = ..., session: _Optional[_Union[_substation_pb2.Session, _Mapping]] = ..., retry_after_ms: _Optional[int] = ..., detail: _Optional[str] = ..., sessions: _Optional[_Iterable[_Union[_substation_pb2.Session, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...
