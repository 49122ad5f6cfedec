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
    ErasePhoto,
    RequestRun,
    WithdrawRun,
)
from runbooks.commands.breaches import DropBreach, OpenBreach, ReportBreach
from runbooks.commands.changes import (
    ApproveChange,
    CountersignChange,
    ExtendChange,
    OpenChange,
    RevertChange,
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
    Tried,
)
from runbooks.commands.handover import (
    ConfirmHandOver,
    HandOverAlone,
    IssueSituation,
    OfferHandOver,
    WithdrawHandOver,
)
from runbooks.commands.notices import Answer, Remind
from runbooks.commands.proof import (
    Confirm,
    DateIntrusion,
    EndStop,
    GiveEstimate,
    ObserveLevel,
    ProofCommand,
    Settle,
    StopSystem,
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
from runbooks.commands.suggest import (
    CYBER_REPORTS,
    REPORT_KINDS,
    ClearSuggestion,
    Dismiss,
    PutOff,
    Suggest,
    SuggestionCommand,
)
from runbooks.commands.work import (
    AddNote,
    AttainLevel,
    EndAlternate,
    FinishBackEntry,
    IssueSheets,
    LoseLevel,
    ReturnSheet,
    StartAlternate,
    TakeDecision,
)

__all__ = [
    "CYBER_REPORTS",
    "REPORT_KINDS",
    "AbandonRunbook",
    "AddNote",
    "AddPhoto",
    "AddRunbook",
    "AddStep",
    "AmendCommand",
    "Answer",
    "AnswerPower",
    "ApproveChange",
    "AssignStep",
    "AttainLevel",
    "AttestStep",
    "BeginRun",
    "BeginStandDown",
    "BreachCommand",
    "Cancel",
    "CancelStep",
    "ChangeCommand",
    "ChangeLevel",
    "ChangeScope",
    "ClearSuggestion",
    "CloseGate",
    "Command",
    "Confirm",
    "ConfirmHandOver",
    "ConfirmRun",
    "CorrectOnset",
    "CountersignChange",
    "CountersignRun",
    "CrewCommand",
    "DamageCommand",
    "DateIntrusion",
    "Declare",
    "Dismiss",
    "DropBreach",
    "EndAlternate",
    "EndPart",
    "EndRun",
    "EndStop",
    "ErasePhoto",
    "EscalateStep",
    "ExtendChange",
    "FailStep",
    "FillRole",
    "FinishBackEntry",
    "FinishStep",
    "FrameCommand",
    "GiveEstimate",
    "HandOverAlone",
    "HandingCommand",
    "IssueSheets",
    "IssueSituation",
    "JoinStep",
    "LeaveRole",
    "LoseLevel",
    "MeetGate",
    "MoveStep",
    "NoticeCommand",
    "ObserveDamage",
    "ObserveLevel",
    "OfferHandOver",
    "OpenBreach",
    "OpenChange",
    "OverridePower",
    "Overrule",
    "Preempt",
    "ProofCommand",
    "PutOff",
    "Ratify",
    "RecordReport",
    "Relapse",
    "ReleaseStep",
    "Remind",
    "ReopenStep",
    "ReplaceStep",
    "ReportBreach",
    "RequestRun",
    "Restore",
    "ResumePart",
    "ResumeRunbook",
    "ReturnSheet",
    "RevertChange",
    "Review",
    "ReviewStep",
    "RunCommand",
    "Settle",
    "SkipStep",
    "SpliceRunbook",
    "StandDown",
    "StartAlternate",
    "StartStep",
    "StepCommand",
    "StopSystem",
    "Suggest",
    "SuggestionCommand",
    "TakeDecision",
    "Tried",
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
RunCommand = (
    RequestRun
    | ConfirmRun
    | WithdrawRun
    | BeginRun
    | EndRun
    | CountersignRun
    | AddPhoto
    | ErasePhoto
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
    | AttainLevel
    | LoseLevel
    | StartAlternate
    | EndAlternate
    | FinishBackEntry
    | IssueSheets
    | ReturnSheet
)
HandingCommand = OfferHandOver | ConfirmHandOver | WithdrawHandOver | HandOverAlone | IssueSituation
DamageCommand = ObserveDamage | AnswerPower | OverridePower
NoticeCommand = Remind | Answer
BreachCommand = OpenBreach | ReportBreach | DropBreach
ChangeCommand = OpenChange | ApproveChange | CountersignChange | ExtendChange | RevertChange
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
    | SuggestionCommand
    | ProofCommand
    | ChangeCommand
    | BreachCommand
    | NoticeCommand
)
"""The closed union; `incident.decide` ends in `assert_never`."""
