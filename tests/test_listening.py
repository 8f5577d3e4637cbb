import logging

from tests.listening import Listener


def test_the_listener_finds_a_secret_in_a_message_an_argument_a_traceback_and_another_process() -> None:
    listener = Listener()
    listener.guard(["秦守密", ""])
    log = logging.getLogger("tests.listening")
    log.addHandler(listener)
    try:
        log.error("nothing to see")
        assert listener.betrayed() == []
        log.error("秦守密 was here")
        log.error("%s asked", "秦守密")
        try:
            int("秦守密")
        except ValueError:
            log.exception("it broke")
        listener.hear("a line\n秦守密 on stderr")
    finally:
        log.removeHandler(listener)
    assert len(listener.betrayed()) == 4
