"""What a page shows is compared with what a command answers, and what differs is found."""

import pytest

from tests.support.command_blocks import GRID_STOPPED, Command, blocks, lacks

PAGE = """Text.

<!-- not run: needs a second machine -->
```sh
ssh other
```

1. A step.

   <!-- the grid is stopped -->
   ```console
   $ one \\
     two
   shown
   $ three
   ```

```text
$ not a command
```
"""


def test_commands_are_read_with_what_is_shown_below_them_and_what_continues_them() -> None:
    first, second = blocks(PAGE)
    assert (first.reason, first.commands) == ("needs a second machine", (Command("ssh other"),))
    assert (second.marker, second.reason) == (GRID_STOPPED, "")
    assert second.commands == (Command("one \\\n  two", "shown\n"), Command("three"))


def test_a_marker_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match="skip me"):
        blocks("<!-- skip me -->\n```sh\nls\n```\n")


@pytest.mark.parametrize(
    ("shown", "answer", "wrong"),
    [
        ('{"a": 1, "b": 2}', '{"a": 7, "b": 8}', set()),
        ('{"a": 1}', '{"a": 7, "b": 8}', {"b"}),  # the page lacks a field
        ('{"a": 1, "b": 2}', '{"a": 7}', {"b"}),  # the page shows one that is not answered
        ('{"a": 1, ..., "c": 2}', '{"a": 7, "b": 8, "c": 9}', set()),
        ('{"a": 1, ..., "c": 2}', '{"a": 7, "b": 8}', {"c"}),
        ("spawned with pid 7", "today spawned with pid 8", set()),
        ("started with pid 7", "spawned with pid 8", {"started"}),
        ("New password of ann:\nann may log in", "ann may log in", set()),
    ],
)
def test_what_a_page_shows_wrongly_is_named(shown: str, answer: str, wrong: set[str]) -> None:
    assert lacks(shown, answer) == wrong
