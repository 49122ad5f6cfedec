"""What people (and the watching service) can ask of an event: frozen values, a closed union.

Every command says of which event, when it happened (`occurred_at`, None = now) and, where two
people can collide, which `expected_version` of the step the page was drawn from (None = not asked).
Texts (`reason`, `note` …) enter the log as salted commitments only.
"""

from __future__ import annotations

from runbooks.commands.amend import (
    AbandonRunbook,
    AddStep,
    MoveStep,
    ReplaceStep,
    ResumeRunbook,
    SpliceRunbook,
)
from runbooks.commands.automation import (
    AddPhoto,
    BeginRun,
    ConfirmRun,
    CountersignRun,
    EndRun,
    RequestRun,
    WithdrawRun,
)
from runbooks.commands.crew import (
    AssignStep,
    EscalateStep,
    FillRole,
    JoinStep,
    LeaveRole,
    ReleaseStep,
    TryToReach,
)
from runbooks.commands.damage import AnswerPower, ObserveDamage, OverridePower
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
from runbooks.commands.handover import (
    ConfirmHandOver,
    HandOverAlone,
    IssueSituation,
    OfferHandOver,
    WithdrawHandOver,
)
from runbooks.commands.steps import (
    AttestStep,
    CancelStep,
    FailStep,
    FinishStep,
    ReopenStep,
    ReviewStep,
    SkipStep,
    StartStep,
    VerifyStep,
    WaitStep,
    WaiveProof,
)
from runbooks.commands.work import (
    AddNote,
    AttainLevel,
    EndAlternate,
    FinishBackEntry,
    IssueSheets,
    LoseLevel,
    OpenChange,
    ReturnSheet,
    RevertChange,
    StartAlternate,
    TakeDecision,
)

__all__ = [
    "AbandonRunbook",
    "AddNote",
    "AddPhoto",
    "AddRunbook",
    "AddStep",
    "AmendCommand",
    "AnswerPower",
    "AssignStep",
    "AttainLevel",
    "AttestStep",
    "BeginRun",
    "BeginStandDown",
    "Cancel",
    "CancelStep",
    "ChangeLevel",
    "ChangeScope",
    "CloseGate",
    "Command",
    "ConfirmHandOver",
    "ConfirmRun",
    "CorrectOnset",
    "CountersignRun",
    "CrewCommand",
    "DamageCommand",
    "Declare",
    "EndAlternate",
    "EndPart",
    "EndRun",
    "EscalateStep",
    "FailStep",
    "FillRole",
    "FinishBackEntry",
    "FinishStep",
    "FrameCommand",
    "HandOverAlone",
    "HandingCommand",
    "IssueSheets",
    "IssueSituation",
    "JoinStep",
    "LeaveRole",
    "LoseLevel",
    "MeetGate",
    "MoveStep",
    "ObserveDamage",
    "OfferHandOver",
    "OpenChange",
    "OverridePower",
    "Overrule",
    "Preempt",
    "Ratify",
    "RecordReport",
    "Relapse",
    "ReleaseStep",
    "ReopenStep",
    "ReplaceStep",
    "RequestRun",
    "Restore",
    "ResumePart",
    "ResumeRunbook",
    "ReturnSheet",
    "RevertChange",
    "Review",
    "ReviewStep",
    "RunCommand",
    "SkipStep",
    "SpliceRunbook",
    "StandDown",
    "StartAlternate",
    "StartStep",
    "StepCommand",
    "TakeDecision",
    "TryToReach",
    "VerifyStep",
    "WaitStep",
    "WaiveProof",
    "WithdrawHandOver",
    "WithdrawRun",
    "WorkCommand",
]

StepCommand = (
    StartStep
    | FinishStep
    | FailStep
    | SkipStep
    | WaitStep
    | ReopenStep
    | AttestStep
    | VerifyStep
    | WaiveProof
    | ReviewStep
    | CancelStep
    | AssignStep
    | ReleaseStep
    | JoinStep
    | EscalateStep
)
CrewCommand = FillRole | LeaveRole | TryToReach
AmendCommand = AddStep | ReplaceStep | MoveStep | SpliceRunbook | AbandonRunbook | ResumeRunbook
RunCommand = RequestRun | ConfirmRun | WithdrawRun | BeginRun | EndRun | CountersignRun | AddPhoto
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
HandingCommand = OfferHandOver | ConfirmHandOver | WithdrawHandOver | HandOverAlone | IssueSituation
DamageCommand = ObserveDamage | AnswerPower | OverridePower
Command = (
    Declare
    | StepCommand
    | FrameCommand
    | WorkCommand
    | CrewCommand
    | AmendCommand
    | RunCommand
    | HandingCommand
    | DamageCommand
)
"""The closed union; `incident.decide` ends in `assert_never`."""
