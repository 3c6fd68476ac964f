import pytest
from program.frames import FrameError, Splitter, frame, kind_of, parts


def test_a_frame_comes_back_with_its_text_and_its_objects() -> None:
    raw = frame([7, "grün", None], [b"one", b"", bytearray(b"three")])
    message, beside = parts(raw)
    assert message == [7, "grün", None]
    assert [bytes(each) for each in beside] == [b"one", b"", b"three"]


@pytest.mark.parametrize("size", [1, 3, 7, 16, 17, 1000])
def test_frames_are_put_together_from_pieces_of_any_size(size: int) -> None:
    frames = [frame([11, "x" * 40]), frame([21], [b"a" * 100, b"b"]), frame([14])]
    data = b"".join(frames)
    splitter = Splitter()
    found = [raw for i in range(0, len(data), size) for raw in splitter.feed(data[i : i + size])]
    assert found == frames


def test_the_kind_is_read_without_the_message() -> None:
    assert kind_of(frame([11, 0, 1])) == 11
    assert kind_of(frame([21])) == 21
    assert kind_of(frame([3])) == 3
    assert kind_of(frame([30, "client"], [b"abc", b""])) == 30


def test_what_is_no_frame_is_refused_with_what_came() -> None:
    with pytest.raises(FrameError, match="Warning: some te"):
        list(Splitter().feed(b"Warning: some text that a library printed"))


def test_a_header_with_an_absurd_length_is_refused() -> None:
    raw = bytearray(frame([1]))
    raw[8:12] = b"\xff\xff\xff\xff"
    with pytest.raises(FrameError):
        list(Splitter().feed(bytes(raw)))
