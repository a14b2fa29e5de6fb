"""Maps each kind of command to a field of a call's message, and converts it in both directions.

Pure.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

Command = TypeVar("Command")


@dataclasses.dataclass(frozen=True, slots=True)
class Conversion:
    """How one kind of command is written into the field `kind` of a call, and read from it.

    `to_fields` returns the fields of its message, by their names: a call makes the message from them in its place, where
    it would copy a message that is made already.
    """

    kind: str
    to_fields: Callable[[Any], Mapping[str, Any]]
    from_message: Callable[[Any], Any]


def same_names(kind: str, command: type) -> Conversion:
    """Return the conversion of a command dataclass whose fields have the names that the message has."""
    names = [field.name for field in dataclasses.fields(command)]
    return Conversion(
        kind,
        lambda item: {name: getattr(item, name) for name in names},
        lambda item: command(*[getattr(item, name) for name in names]),
    )


class CommandTable(Generic[Command]):
    """The commands of one protocol; its calls have a `oneof command` with a field for each."""

    def __init__(self, conversions: Mapping[type, Conversion]) -> None:
        self.conversions = conversions
        self._by_kind = {conversion.kind: conversion for conversion in conversions.values()}

    def kind_of(self, command: Command) -> str:
        """Return the field of the message that holds a command; logs use the same word."""
        return self.conversions[type(command)].kind

    def fields(self, command: Command | None) -> dict[str, Mapping[str, Any]]:
        """Return the field of a call that holds a command, by its name; none for a call without one.

        Raises TypeError for a command of another protocol.
        """
        if command is None:
            return {}
        if not (conversion := self.conversions.get(type(command))):
            raise TypeError(f"the protocol has no {type(command).__name__}")
        return {conversion.kind: conversion.to_fields(command)}

    def read(self, call: Any, default_kind: str | None = None) -> Command | None:
        """Read the command of a call; one without any is read as an empty `default_kind`, if that is given.

        An impossible command is None: it must not end the stream for all other calls.
        """
        kind = call.WhichOneof("command") or default_kind
        try:
            command: Command | None = self._by_kind[kind].from_message(getattr(call, kind)) if kind else None
        except ValueError:
            return None
        return command
