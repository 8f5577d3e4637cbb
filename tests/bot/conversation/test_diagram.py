from pathlib import Path

from bot.conversation.diagram import mermaid, page
from bot.conversation.flows import FLOWS

PAGE = Path(__file__).parents[3] / "docs" / "flows.md"


def test_the_page_in_the_docs_is_the_one_the_flows_draw() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m bot.conversation.diagram > docs/flows.md"


def test_every_step_and_outcome_is_drawn() -> None:
    for flow in FLOWS.values():
        drawn = mermaid(flow)
        for step in flow.steps:
            assert f"    {step.name} --> " in drawn
            for out in step.to:
                assert out in drawn
