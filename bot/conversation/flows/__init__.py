"""The flows (流程): one file per flow, one Step object per question."""
