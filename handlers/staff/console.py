"""The console (工作台): how a page is registered with the act it needs, who is let in, and how errors are told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response as AnyResponse

from bot.conversation.texts import texts
from bot.errors import BadValueError, MovedError, QuxiangError, RuleError
from bot.ports import UnitOfWork
from bot.registration.season import SHANGHAI, Season
from bot.staff.account import Account
from bot.staff.policy import Act, Actor, ForbiddenError
from bot.use_cases.staff_changes import NotFoundError, Office
from handlers.public_pages import HEADERS
from handlers.staff.sessions import Sessions
from handlers.staff.tries import TooManyError, Tries, UncountedError

View = Callable[..., str | AnyResponse]
PREFIX = "/staff"
EXTENSION = "quxiang_console"
"""Where the application keeps its console, for whoever wants to know which page needs which act."""
_SECRET = frozenset({"csrf_token", "password", "old", "new", "again", "code"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_WAY_OUT = frozenset({"password", "change_password", "logout"})
"""What somebody with a password given by others may open before changing it."""


class Room(NamedTuple):
    """A room of the console (栏目): the endpoint of its first page, its name, and the act it needs."""

    endpoint: str
    label: str
    act: Act


class Remark(NamedTuple):
    """Something that should be known today (提醒): a sentence, and a page to go to, by its name."""

    said: str
    link: str
    label: str


ROOMS = (
    Room("progress", "进度", Act.SEE_PROGRESS),
    Room("graduates", "毕业生", Act.SEE_GRADUATES),
    Room("reviews", "审核", Act.REVIEW),
    Room("corrections", "更正", Act.SEE_CORRECTIONS),
    Room("broadcasts", "通知", Act.SEE_NOTICES),
    Room("roster", "名册", Act.IMPORT),
    Room("season", "届别", Act.MANAGE_SEASONS),
    Room("people", "账号", Act.MANAGE_STAFF),
    Room("audit", "审计", Act.SEE_AUDIT),
)
"""The rooms in the order of the navigation; a room nobody registered is not shown."""


@dataclass(slots=True)
class Console:
    """The console (工作台) that rooms add their pages to.

    Attributes:
        office: staff's work, done by the system; ``acting`` is the same done by whoever is logged in.
        sessions: who is logged in.
        tries: how often passwords and codes may be tried.
        base_url: public address of the site.
        acts: endpoint → the act its page needs; None for pages that everybody who is logged in may open.
        public: endpoints for people who are not logged in.
        remarks: asked at each page what should stand above it today; they choose the pages themselves.
    """

    office: Office = field(repr=False)
    sessions: Sessions = field(repr=False)
    tries: Tries = field(repr=False)
    base_url: str = ""
    blueprint: Blueprint = field(default_factory=lambda: Blueprint("staff", __name__, url_prefix=PREFIX), repr=False)
    acts: dict[str, Act | None] = field(default_factory=dict)
    public: set[str] = field(default_factory=set)
    remarks: list[Callable[[], Remark | None]] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self.blueprint.record_once(lambda state: state.app.extensions.update({EXTENSION: self}))
        self.blueprint.before_request(self._admit)
        self.blueprint.after_request(_manners)
        self.blueprint.app_template_filter("moment")(lambda at: f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}")
        self.blueprint.register_error_handler(QuxiangError, self._explain)
        self.blueprint.register_error_handler(CSRFError, self._explain)

    def page(self, rule: str, act: Act | None, methods: tuple[str, ...] = ("GET",)) -> Callable[[View], View]:
        """Register a page under ``/staff`` for whoever may do the act (登记页面), named as the function."""

        def registered(view: View) -> View:
            self.acts[view.__name__] = act
            self.blueprint.add_url_rule(rule, view.__name__, view, methods=list(methods))
            return view

        return registered

    def open_page(self, rule: str, methods: tuple[str, ...] = ("GET",)) -> Callable[[View], View]:
        """Register a page for people who are not logged in (公开页面): the login."""

        def registered(view: View) -> View:
            self.public.add(view.__name__)
            self.blueprint.add_url_rule(rule, view.__name__, view, methods=list(methods))
            return view

        return registered

    # -- what views ask for ------------------------------------------------------------------------

    @property
    def account(self) -> Account:
        """The account of whoever is logged in (当前账号)."""
        account = self.sessions.account()
        if account is None:
            raise ForbiddenError("请先登录")
        return account

    @property
    def actor(self) -> Actor:
        """Whoever is logged in, as the policy knows him or her (操作人)."""
        return self.account.actor

    @property
    def acting(self) -> Office:
        """The office with whoever is logged in at work: policy and audit log speak of this person (办理)."""
        return replace(self.office, by=self.actor)

    def season(self, uow: UnitOfWork) -> Season:
        """Return the current season (当前届).

        Raises:
            NotFoundError: there is none yet.
        """
        season = uow.seasons.current()
        if season is None:
            raise NotFoundError("还没有届别，请管理员先建立")
        return season

    def render(self, template: str, **values: Any) -> str:  # noqa: ANN401 -- what a template shows is its own business
        """Return a page of the console (渲染), with the rooms this person may enter."""
        actor = self.actor
        rooms = [room for room in ROOMS if room.endpoint in self.acts and actor.may(room.act)]
        remarks = [said for said in (remark() for remark in self.remarks) if said]
        return render_template(template, rooms=rooms, actor=actor, Act=Act, remarks=remarks, **values)

    # -- the door ----------------------------------------------------------------------------------

    def _admit(self) -> AnyResponse | None:
        endpoint = (request.endpoint or "").removeprefix("staff.")
        if endpoint not in self.public:
            account = self.sessions.account()
            if account is None:
                return self._to_the_login()
            if account.must_change and endpoint not in _WAY_OUT:
                return redirect(url_for("staff.password"))
            act = self.acts[endpoint]
            if act is not None:
                account.actor.demand(act)
        if request.method not in _SAFE:
            self.sessions.csrf.protect()
        return None

    def _to_the_login(self) -> AnyResponse:
        """Lead to the login and back; whoever was just sending a form is told, and gets the own words back."""
        if request.method in _SAFE:
            return redirect(url_for("staff.login", next=request.full_path.rstrip("?")))
        adapter = current_app.create_url_adapter(request)
        following = request.path if adapter and adapter.test(request.path, "GET") else ""
        if not self.sessions.has_lapsed or not self._is_our_form():
            return redirect(url_for("staff.login", next=following or None, ended=1), 303)
        words = [value for name, value in request.form.items(multi=True) if is_words(name, value)]
        page = render_template("staff/login.html", ended=True, lost=words, following=following, login="")
        return make_response(page, 401)

    def _is_our_form(self) -> bool:
        """A form of another site must not write words on our login page."""
        try:
            self.sessions.csrf.protect()
        except CSRFError:
            return False
        return True

    def _explain(self, error: QuxiangError | CSRFError) -> Response:
        status, said = _told(error)
        account = self.sessions.account()
        page = (
            self.render("staff/notice.html", said=said) if account else render_template("staff/notice.html", said=said)
        )
        return make_response(page, status)


_STATUS: Mapping[type[Exception], int] = {
    ForbiddenError: 403,
    NotFoundError: 404,
    RuleError: 409,
    MovedError: 409,
    BadValueError: 400,
    CSRFError: 400,
    TooManyError: 429,
}


def _told(error: Exception) -> tuple[int, str]:
    """Return status and sentence for an error that a view let through."""
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 503)
    if isinstance(error, CSRFError):
        return status, "这一页放得太久，或者在别处退出过，刚才的提交没有生效。请返回刷新后再提交一次。"
    if isinstance(error, MovedError):
        return status, "这一项刚刚被别人改过，您的操作没有生效。请返回刷新，看过新的内容再办。"
    if isinstance(error, UncountedError):
        return status, str(error)
    if status == 503:
        return status, "系统暂时忙，您的操作没有生效。请过一分钟再试；一直这样请联系管理员。"
    return status, texts().get(error.key, str(error)) if isinstance(error, RuleError) else str(error)


def is_words(name: str, value: str) -> bool:
    """Tell whether a field holds a person's own words (本人写的话): no token, no identifier, never a password."""
    return name not in _SECRET and any(ord(character) > 127 for character in value)


def safe_next(address: str) -> str:
    """Return where to go after the login (登录后去哪里): a page of the console, never another site."""
    parts = urlsplit(address)
    is_ours = not parts.scheme and not parts.netloc and parts.path.startswith(f"{PREFIX}/") and "\\" not in address
    return address if is_ours else f"{PREFIX}/"


def _manners(answer: Response) -> Response:
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer
