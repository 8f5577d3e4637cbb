"""The sending side (发送一侧), wired: the channels to the graduates, the worker, and what the console knows of both."""

from dataclasses import dataclass, field
from functools import partial

from flask import Flask
from sqlalchemy import Engine

from bot.notices.ports import Post
from bot.use_cases.manage_broadcasts import NoticeRules
from bot.use_cases.match_reports import Inbox, match_all
from bot.use_cases.plan_notices import plan_notices
from bot.use_cases.staff_changes import Office
from handlers.roster.jobs import RosterJobs
from handlers.settings import Settings
from handlers.staff.notice_door import NoticeDoor
from handlers.wechat.client import PlatformClient
from handlers.wechat.post import WeChatPost
from handlers.wechat.rendering import render
from handlers.worker import Tools, Worker
from storage.pace import SqlPace


@dataclass(frozen=True, slots=True)
class Sending:
    """Everything that sends of our own accord (主动发送).

    Attributes:
        settings: checked settings.
        office: staff's work, done by the system.
        post: the channels.
        worker: not started.
    """

    settings: Settings
    office: Office = field(repr=False)
    post: Post = field(repr=False)
    worker: Worker = field(repr=False)

    @property
    def inbox(self) -> Inbox:
        """Where the platform's reports are put (回执收件箱)."""
        return Inbox(self.office.work, self.office.clock, self.settings.wechat.subscription_template)

    def attach(self, app: Flask) -> None:
        """Tell the console what can be sent, and above how many a second person decides."""
        rules = NoticeRules(self.settings.notices.approval_above)
        NoticeDoor(rules, self.post.channels, render).attach(app)


def make_sending(settings: Settings, office: Office, client: PlatformClient, engine: Engine) -> Sending:
    """Wire channels and worker (接好发送一侧); nothing is connected and nothing runs yet."""
    wechat, notices = settings.wechat, settings.notices
    post = WeChatPost(
        client, office.clock, wechat.notice_template, wechat.subscription_template, settings.server.public_url
    )
    tools = Tools(
        office,
        post,
        SqlPace(engine, notices.per_second),
        RosterJobs(office),
        plan=(partial(plan_notices, office),),
        chores=(partial(match_all, office.work, office.clock),),
    )
    return Sending(settings, office, post, Worker(tools, settings.worker.pause_seconds, notices.senders))
