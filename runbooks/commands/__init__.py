"""What people (and the watching service) can ask of an event: frozen values, a closed union.

Every command says of which event, when it happened (`occurred_at`, None = now) and, where two
people can collide, which `expected_version` of the step the page was drawn from (None = not asked).
Texts (`reason`, `note` …) enter the log as salted commitments only.
"""

from __future__ import annotations

from runbooks.commands.frame import (
    AddRunbook,
    BeginStandDown,
    Cancel,
    ChangeLevel,
    ChangeScope,
    CloseGate,
    CorrectOnset,
    Declare,
    EndPart,
    MeetGate,
    Overrule,
    Preempt,
    Ratify,
    RecordReport,
    Relapse,
    Restore,
    ResumePart,
    Review,
    StandDown,
)
from runbooks.commands.steps import (
    AttestStep,
    FailStep,
    FinishStep,
    ReopenStep,
    SkipStep,
    StartStep,
    VerifyStep,
    WaitStep,
)
from runbooks.commands.work import (
    AddNote,
    AttainLevel,
    EndAlternate,
    FinishBackEntry,
    HandOverCommand,
    IssueSheets,
    LoseLevel,
    OpenChange,
    ReturnSheet,
    RevertChange,
    StartAlternate,
    TakeDecision,
)

__all__ = [
    "AddNote",
    "AddRunbook",
    "AttainLevel",
    "AttestStep",
    "BeginStandDown",
    "Cancel",
    "ChangeLevel",
    "ChangeScope",
    "CloseGate",
    "Command",
    "CorrectOnset",
    "Declare",
    "EndAlternate",
    "EndPart",
    "FailStep",
    "FinishBackEntry",
    "FinishStep",
    "FrameCommand",
    "HandOverCommand",
    "IssueSheets",
    "LoseLevel",
    "MeetGate",
    "OpenChange",
    "Overrule",
    "Preempt",
    "Ratify",
    "RecordReport",
    "Relapse",
    "ReopenStep",
    "Restore",
    "ResumePart",
    "ReturnSheet",
    "RevertChange",
    "Review",
    "SkipStep",
    "StandDown",
    "StartAlternate",
    "StartStep",
    "StepCommand",
    "TakeDecision",
    "VerifyStep",
    "WaitStep",
    "WorkCommand",
]

StepCommand = (
    StartStep | FinishStep | FailStep | SkipStep | WaitStep | ReopenStep | AttestStep | VerifyStep
)
FrameCommand = (
    ChangeLevel
    | ChangeScope
    | AddRunbook
    | CorrectOnset
    | Ratify
    | Overrule
    | Cancel
    | Restore
    | Relapse
    | BeginStandDown
    | MeetGate
    | CloseGate
    | StandDown
    | RecordReport
    | Review
    | Preempt
    | EndPart
    | ResumePart
)
WorkCommand = (
    TakeDecision
    | AddNote
    | HandOverCommand
    | AttainLevel
    | LoseLevel
    | StartAlternate
    | EndAlternate
    | FinishBackEntry
    | OpenChange
    | RevertChange
    | IssueSheets
    | ReturnSheet
)
Command = Declare | StepCommand | FrameCommand | WorkCommand
"""The closed union; `incident.decide` ends in `assert_never`."""
