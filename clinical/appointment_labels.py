"""How statuses of appointments look, and what can be done at each."""

from typing import NamedTuple

from clinical.models import AppointmentStatus


class Look(NamedTuple):
    """A status as people see it: an icon and a colour of pills beside its word."""

    icon: str
    colour: str


LOOKS = {
    AppointmentStatus.SCHEDULED: Look("calendar", ""),
    AppointmentStatus.CONFIRMED: Look("check", ""),
    AppointmentStatus.ARRIVED: Look("door", "blue"),
    AppointmentStatus.IN_PROGRESS: Look("pulse", "blue"),
    AppointmentStatus.COMPLETED: Look("check", "green"),
    AppointmentStatus.CANCELLED: Look("cross", ""),
    AppointmentStatus.NO_SHOW: Look("ban", "orange"),
}


class Step(NamedTuple):
    """A button that gives an appointment another status. One that `asks` opens a dialog first, one that `undoes` stands back."""

    status: AppointmentStatus
    label: str
    asks: bool = False
    undoes: bool = False


_CANCEL = Step(AppointmentStatus.CANCELLED, "Cancel visit", asks=True)
_NO_SHOW = Step(AppointmentStatus.NO_SHOW, "No-show")
_ARRIVED = Step(AppointmentStatus.ARRIVED, "Arrived")
_COMPLETED = Step(AppointmentStatus.COMPLETED, "Completed")
# Status -> what people do next, the likeliest first; the services allow more.
STEPS: dict[str, tuple[Step, ...]] = {
    AppointmentStatus.SCHEDULED: (_ARRIVED, Step(AppointmentStatus.CONFIRMED, "Confirmed"), _NO_SHOW, _CANCEL),
    AppointmentStatus.CONFIRMED: (_ARRIVED, _NO_SHOW, _CANCEL),
    AppointmentStatus.ARRIVED: (
        Step(AppointmentStatus.IN_PROGRESS, "Start visit"),
        _NO_SHOW,
        _CANCEL,
        Step(AppointmentStatus.SCHEDULED, "Not here yet", undoes=True),
    ),
    AppointmentStatus.IN_PROGRESS: (_COMPLETED, Step(AppointmentStatus.ARRIVED, "Not started yet", undoes=True)),
    AppointmentStatus.COMPLETED: (Step(AppointmentStatus.IN_PROGRESS, "Not completed yet", undoes=True),),
    AppointmentStatus.CANCELLED: (Step(AppointmentStatus.SCHEDULED, "Schedule again"),),
    AppointmentStatus.NO_SHOW: (
        Step(AppointmentStatus.ARRIVED, "Arrived after all"),
        Step(AppointmentStatus.SCHEDULED, "Schedule again"),
    ),
}
MOVABLE = frozenset({AppointmentStatus.SCHEDULED, AppointmentStatus.CONFIRMED, AppointmentStatus.ARRIVED})
# What the status line says of a visit that got the status.
SAID = {
    AppointmentStatus.SCHEDULED: "is scheduled",
    AppointmentStatus.CONFIRMED: "is confirmed",
    AppointmentStatus.ARRIVED: "has arrived",
    AppointmentStatus.IN_PROGRESS: "is being seen",
    AppointmentStatus.COMPLETED: "is completed",
    AppointmentStatus.CANCELLED: "is cancelled",
    AppointmentStatus.NO_SHOW: "did not come",
}
