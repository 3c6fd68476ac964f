"""The connections between hosts and the program."""

from typing import Any

from program.protocol import SIDE_CLAIM, SIDE_SYNC
from program.side_channel import Questions


def test_a_late_reply_to_another_question_about_the_pack_is_none() -> None:
    questions = Questions()

    class Slow:
        def send(self, _: Any) -> None:
            questions.replied([SIDE_SYNC, "abc-1"])
            questions.replied([SIDE_CLAIM, "abc-1", True])

    link: Any = Slow()
    assert questions.ask(link, [SIDE_CLAIM, "abc-1"]) == [SIDE_CLAIM, "abc-1", True]
