"""The diagram (流程图): all flows as Mermaid, drawn from the same values that answer graduates.

``python -m bot.conversation.diagram > docs/flows.md`` writes the page anew; a test compares it.
"""

import sys

from bot.conversation.flow import AGAIN, BOARD, NEXT, Flow
from bot.conversation.flows import FLOWS

_ENDS = {BOARD: "the board", NEXT: "whatever comes next", AGAIN: "this flow again"}
_HEAD = """# The flows of the chat (流程)

Drawn from `bot/conversation/flows` by `python -m bot.conversation.diagram > docs/flows.md`; do not edit by hand. A box
is a question, an arrow an outcome of its answer. In every question 帮助, 返回, 重新开始, 进度, 首页 and 联系老师 work
besides. Which flows are open is decided by the facts, see the gates in `bot/registration/dossier.py`.
"""


def page() -> str:
    """Return the whole page (docs/flows.md)."""
    return _HEAD + "".join(_section(flow) for flow in FLOWS.values())


def mermaid(flow: Flow) -> str:
    """Return one flow (流程) as a Mermaid state diagram; outcomes that lead the same way share an arrow."""
    lines = ["stateDiagram-v2", f"    [*] --> {flow.steps[0].name}"]
    for step in flow.steps:
        ways: dict[str, list[str]] = {}
        for out, target in step.to.items():
            ways.setdefault(target, []).append(out)
        lines += [f"    {step.name} --> {_end(target)}: {_outcomes(outs, target)}" for target, outs in ways.items()]
    return "\n".join(lines)


def _section(flow: Flow) -> str:
    return f"\n## {flow.name}\n\n```mermaid\n{mermaid(flow)}\n```\n"


def _end(target: str) -> str:
    return "[*]" if target.startswith("@") else target


def _outcomes(outs: list[str], target: str) -> str:
    said = ", ".join(outs)
    return f"{said} → {_ENDS.get(target, target[1:])}" if target.startswith("@") else said


if __name__ == "__main__":
    sys.stdout.write(page())
