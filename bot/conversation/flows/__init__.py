"""The flows (流程): one file per flow, one Step object per question."""

from bot.conversation.flow import Flow
from bot.conversation.flows import (
    archive,
    board,
    confirmation,
    consent,
    correction,
    household,
    login,
    personal,
    real_person,
    unbind,
    verification,
)

FLOWS: dict[str, Flow] = {
    module.FLOW.name: module.FLOW
    for module in (
        consent,
        login,
        personal,
        board,
        archive,
        household,
        confirmation,
        correction,
        real_person,
        verification,
        unbind,
    )
}
"""All flows by name, in the order of the journey."""
