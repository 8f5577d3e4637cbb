"""The unit of work (工作单元): one transaction over all that is stored."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cached_property
from types import TracebackType

from sqlalchemy import Engine

from bot.ports import Clock
from storage.accounts import SqlAccounts
from storage.audiences import SqlAudiences
from storage.audit import SqlAudit
from storage.beats import SqlBeats
from storage.broadcasts import SqlBroadcasts
from storage.chronicle import SqlChronicle
from storage.cipher import FieldCipher
from storage.correction_queue import SqlCorrectionQueue
from storage.cutoffs import SqlCutoffs
from storage.delivery_reports import SqlReports
from storage.enrolment import SqlEnrolment
from storage.guards import SqlGuards
from storage.halts import SqlHalts
from storage.ledger import SqlLedger
from storage.looks import SqlLooks
from storage.mass_batches import SqlBatches
from storage.notices import SqlNotices
from storage.planned_notices import SqlPlannedNotices
from storage.progress_days import SqlProgressDays
from storage.reasons import SqlReasons
from storage.receipts import SqlReceipts
from storage.registry import SqlRegistry
from storage.results import SqlResults
from storage.review_queue import SqlReviewQueue
from storage.roll import SqlRoll
from storage.roster_undo import SqlRestoring
from storage.roster_uploads import SqlUploads
from storage.seasons import SqlSeasons
from storage.subscriptions import SqlSubscriptions
from storage.talks import SqlTalks
from storage.trail import SqlTrail
from storage.transaction import Transaction
from storage.turns import SqlTurns
from storage.unit import Unit


class SqlUnitOfWork:
    """One transaction (事务); fits ``bot.ports.UnitOfWork``. Opened by SqlWork only."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher, clock: Clock) -> None:
        self._transaction = transaction
        self._cipher = cipher
        self._clock = clock

    @cached_property
    def talks(self) -> SqlTalks:
        """The talks (会话)."""
        return SqlTalks(self._transaction, self._cipher)

    @cached_property
    def registry(self) -> SqlRegistry:
        """The dossiers (登记档)."""
        return SqlRegistry(self._transaction, self._cipher, self._clock)

    @cached_property
    def guards(self) -> SqlGuards:
        """The identity guards (身份核验防护)."""
        return SqlGuards(self._transaction, self._cipher)

    @cached_property
    def notices(self) -> SqlNotices:
        """Telling (告知): what goes into the ledger."""
        return SqlNotices(self._transaction, self._cipher)

    @cached_property
    def ledger(self) -> SqlLedger:
        """The ledger of deliveries (投递台账)."""
        return SqlLedger(self._transaction, self._cipher)

    @cached_property
    def broadcasts(self) -> SqlBroadcasts:
        """The broadcasts (通知)."""
        return SqlBroadcasts(self._transaction, self._cipher)

    @cached_property
    def audiences(self) -> SqlAudiences:
        """The audiences of broadcasts (发送对象)."""
        return SqlAudiences(self._transaction, self._cipher)

    @cached_property
    def results(self) -> SqlResults:
        """What became of broadcasts (发送结果)."""
        return SqlResults(self._transaction, self._cipher)

    @cached_property
    def reports(self) -> SqlReports:
        """The inbox of the platform's reports (回执收件箱)."""
        return SqlReports(self._transaction, self._cipher)

    @cached_property
    def subscriptions(self) -> SqlSubscriptions:
        """What people agreed to get (订阅通知授权)."""
        return SqlSubscriptions(self._transaction)

    @cached_property
    def batches(self) -> SqlBatches:
        """The mass batches (群发批次)."""
        return SqlBatches(self._transaction, self._cipher)

    @cached_property
    def planned_notices(self) -> SqlPlannedNotices:
        """The planned notices of a season (计划通知)."""
        return SqlPlannedNotices(self._transaction)

    @cached_property
    def halts(self) -> SqlHalts:
        """The halts of channels (暂停的渠道)."""
        return SqlHalts(self._transaction)

    @cached_property
    def beats(self) -> SqlBeats:
        """The beat of the workers (后台心跳)."""
        return SqlBeats(self._transaction)

    @cached_property
    def seasons(self) -> SqlSeasons:
        """The seasons (届)."""
        return SqlSeasons(self._transaction)

    @cached_property
    def trail(self) -> SqlTrail:
        """The trace (足迹)."""
        return SqlTrail(self._transaction)

    @cached_property
    def turns(self) -> SqlTurns:
        """The turns of talks (一轮对话)."""
        return SqlTurns(self._transaction, self._cipher)

    @cached_property
    def looks(self) -> SqlLooks:
        """The looks of departments (查看记录)."""
        return SqlLooks(self._transaction, self._cipher)

    @cached_property
    def receipts(self) -> SqlReceipts:
        """The records that an archive was received (档案接收登记)."""
        return SqlReceipts(self._transaction, self._cipher)

    @cached_property
    def accounts(self) -> SqlAccounts:
        """The staff accounts (工作人员账号)."""
        return SqlAccounts(self._transaction, self._cipher)

    @cached_property
    def audit(self) -> SqlAudit:
        """The audit log (审计日志)."""
        return SqlAudit(self._transaction, self._cipher)

    @cached_property
    def chronicle(self) -> SqlChronicle:
        """The chronicle of one graduate (经过时间线)."""
        return SqlChronicle(self._transaction, self._cipher)

    @cached_property
    def cutoffs(self) -> SqlCutoffs:
        """The cut-offs (截点)."""
        return SqlCutoffs(self._transaction)

    @cached_property
    def corrections(self) -> SqlCorrectionQueue:
        """The error reports (信息有误)."""
        return SqlCorrectionQueue(self._transaction, self._cipher)

    @cached_property
    def reviews(self) -> SqlReviewQueue:
        """The archive entries that wait for review (审核队列)."""
        return SqlReviewQueue(self._transaction, self._cipher)

    @cached_property
    def reasons(self) -> SqlReasons:
        """The reason templates (理由模板)."""
        return SqlReasons(self._transaction)

    @cached_property
    def roll(self) -> SqlRoll:
        """The roll (名单与进度)."""
        return SqlRoll(self._transaction, self._cipher)

    @cached_property
    def progress_days(self) -> SqlProgressDays:
        """The days of progress (每日进度)."""
        return SqlProgressDays(self._transaction)

    @cached_property
    def uploads(self) -> SqlUploads:
        """The uploads of rosters (名册上传)."""
        return SqlUploads(self._transaction, self._cipher)

    @cached_property
    def enrolment(self) -> SqlEnrolment:
        """What of a roster is stored already (在册情况)."""
        return SqlEnrolment(self._transaction, self._cipher)

    @cached_property
    def restoring(self) -> SqlRestoring:
        """The undo of imports (撤销导入)."""
        return SqlRestoring(self._transaction, self._clock)

    def commit(self) -> None:
        """Make everything permanent (提交).

        Raises:
            MovedError: another transaction got in between; nothing was stored, so load again and retry.
            StoreError: the database failed; where the connection broke, it may have stored everything or nothing.
        """
        self._transaction.commit()


def _now() -> datetime:
    return datetime.now(UTC)


class SqlWork:
    """Opens units of work on an engine of ``open_engine`` (工作单元); fits ``bot.ports.Work``.

    Several statements of a unit may see what others committed in between (read committed, or autocommit): what is
    written is safe all the same, because every write compares the counter that was read.

    Args:
        engine: of ``open_engine``.
        cipher: seals personal data.
        clock: tells since when a graduate stands at a stage (办理阶段).
    """

    def __init__(self, engine: Engine, cipher: FieldCipher, clock: Clock = _now) -> None:
        self._engine = engine
        self._cipher = cipher
        self._clock = clock

    def at(self, clock: Clock) -> "SqlWork":
        """Return the same with another clock (换一个时钟), for whoever writes down what happened earlier."""
        return SqlWork(self._engine, self._cipher, clock)

    def reading(self) -> AbstractContextManager[SqlUnitOfWork]:
        """Open a unit that only reads and holds no lock (只读); its commit does nothing."""
        return _Opened(Unit(self._engine, is_writing=False), self._cipher, self._clock)

    def writing(self) -> AbstractContextManager[SqlUnitOfWork]:
        """Open a unit that may write (可写); left without ``commit``, everything is taken back.

        On SQLite it is the only writer until it is left, so nothing slow belongs inside, a call to WeChat least of all.
        """
        return _Opened(Unit(self._engine, is_writing=True), self._cipher, self._clock)


class _Opened:
    """A unit of work for the ``with`` that follows (工作单元范围)."""

    __slots__ = ("_cipher", "_clock", "_unit")

    def __init__(self, unit: Unit, cipher: FieldCipher, clock: Clock) -> None:
        self._unit = unit
        self._cipher = cipher
        self._clock = clock

    def __enter__(self) -> SqlUnitOfWork:
        return SqlUnitOfWork(self._unit.__enter__(), self._cipher, self._clock)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._unit.__exit__(kind, error, at)
