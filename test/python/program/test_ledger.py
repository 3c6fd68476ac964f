import os
from pathlib import Path

import pytest
from program import ledger
from program.ledger import LEDGER_BYTES, Ledger, OwnLedger


@pytest.fixture(name="own")
def _own(tmp_path: Path) -> OwnLedger:
    own = OwnLedger(str(tmp_path / "ledger-1"))
    own.begin_pack("abc-1")
    return own


def test_it_tells_what_has_begun_and_what_has_ended(own: OwnLedger) -> None:
    assert own.read() == (0, 0, [])
    own.begin(0)
    assert own.read() == (1, 0, [])
    own.commit(0, '8,12,"ü"')
    own.begin(1)
    assert own.read() == (2, 0, ['8,12,"ü"'])


def test_what_was_sent_is_forgotten_with_the_next_record(own: OwnLedger) -> None:
    own.begin(0)
    own.commit(0, "8,1,1")
    own.sent()
    own.begin(1)
    own.commit(1, "8,2,2")
    own.begin(2)
    assert own.read() == (3, 1, ["8,2,2"])


def test_a_call_behind_the_limit_may_not_begin(own: OwnLedger) -> None:
    assert own.begin(0)
    own.limit(1)
    assert not own.begin(1)
    own.begin_pack("abc-2")
    assert own.begin(1)


def test_what_does_not_fit_is_not_kept_and_the_next_call_is(own: OwnLedger) -> None:
    own.begin(0)
    assert not own.commit(0, "x" * LEDGER_BYTES)
    for position in range(1, 40_000):
        own.begin(position)
    assert own.read()[0] == 40_000


def test_a_new_pack_starts_from_nothing(own: OwnLedger) -> None:
    own.begin(4)
    own.begin_pack("abc-2")
    assert own.read() == (0, 0, [])


def test_the_pack_of_a_dead_host_is_found_by_its_key_or_by_the_host(own: OwnLedger, tmp_path: Path) -> None:
    other = Ledger(str(tmp_path / "ledger-2"))
    (tmp_path / "ledger-short").write_bytes(b"B0\n")
    (tmp_path / "something").write_bytes(b"else")
    own.begin(2)
    expected = ledger.Remains("abc-1", (3, 0, []), os.getpid(), os.getpid())
    assert ledger.find(str(tmp_path), key="abc-1") == [expected]
    assert ledger.find(str(tmp_path), host=os.getpid()) == [expected]
    assert ledger.find(str(tmp_path), key="abc") == []
    assert ledger.find(str(tmp_path / "gone"), key="abc-1") == []
    other.close()


def test_once_it_was_found_nothing_more_begins(own: OwnLedger, tmp_path: Path) -> None:
    own.begin(0)
    ledger.find(str(tmp_path), key="abc-1")
    assert not own.begin(1)


def test_the_file_goes_with_it(own: OwnLedger) -> None:
    own.close()
    assert not os.path.exists(own.path)


def test_what_a_host_has_begun_with_is_known_after_it_also_where_its_ledger_has_another_pack(tmp_path: Path) -> None:
    begun = ledger.Begun(str(tmp_path / "begun-there-1"))
    begun.add("abc-1")
    begun.add("abc-22")
    folder = str(tmp_path)
    assert ledger.has_begun(folder, "abc-1") and ledger.has_begun(folder, "abc-22")
    assert not ledger.has_begun(folder, "abc-2")
    for number in range(ledger.BEGUN_KEPT):
        begun.add(f"abc-{1000 + number}")
    assert not ledger.has_begun(folder, "abc-1") and ledger.has_begun(folder, "abc-1000")
    begun.close()
    begun.close()
    assert not ledger.has_begun(folder, "abc-1000")
