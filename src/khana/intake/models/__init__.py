"""Tables of intake: forms and submissions, centres and their queues, people in the field."""

from khana.intake.models.centres import Appointment, DeskSession, QueueToken, RegistrationPoint, Stop
from khana.intake.models.due import DueVisit, Invitation
from khana.intake.models.effects import AmendmentEffect
from khana.intake.models.field import Accreditation, Device, Target
from khana.intake.models.reviews import CorrectiveAction, EnumeratorReview, QuestionEvidence
from khana.intake.models.submissions import (
    Assignment,
    Entity,
    EntityChange,
    Form,
    FormVersion,
    Stamp,
    Submission,
    SubmissionPart,
)

__all__ = [
    "Accreditation",
    "AmendmentEffect",
    "Appointment",
    "Assignment",
    "CorrectiveAction",
    "DeskSession",
    "Device",
    "DueVisit",
    "Entity",
    "EntityChange",
    "EnumeratorReview",
    "Form",
    "FormVersion",
    "Invitation",
    "QuestionEvidence",
    "QueueToken",
    "RegistrationPoint",
    "Stamp",
    "Stop",
    "Submission",
    "SubmissionPart",
    "Target",
]
