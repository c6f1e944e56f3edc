"""Pairs of records that may be of one person: compare and merge, or set aside."""

from typing import Any, NamedTuple

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.admin.pages import Page, page
from accounts.admin.parameters import check_list_parameters
from accounts.models import Organization
from accounts.navigation import Entry, add_entry
from config.core.exceptions import NotFound
from config.core.orm import is_id
from patients.admin.merging import ADMINISTRATORS
from patients.admin.pages import OrganizationPage
from patients.labels import name_of
from patients.models import DuplicatePair
from patients.services import duplicates

PAIRS = 25
# So many records are compared before the list is shown, and then by each of its steps; it says how many are left up to MANY.
FIRST_STEP, NEXT_STEPS, MANY = 500, 2_000, 10_000
_PEOPLE = ("patient", "other", "set_aside_by")
REASONS: dict[str, Promise] = {
    "number": gettext_lazy("same social security number"),
    "full_name_and_birth": gettext_lazy("same name and date of birth"),
    "name_and_birth": gettext_lazy("same last name and date of birth"),
    "mobile": gettext_lazy("same mobile number"),
    "email": gettext_lazy("same e-mail"),
    "full_name": gettext_lazy("same name"),
    "birth": gettext_lazy("same date of birth"),
    "near_birth": gettext_lazy("dates of birth differ in one digit"),
}

add_entry(Entry("Patients", 4, gettext_lazy("Duplicates"), "copies", "admin:duplicates", ADMINISTRATORS))


class ShownPair(NamedTuple):
    """A pair, and the words for what its records have in common; `is_likely` where that is much."""

    pair: DuplicatePair
    reasons: list[Promise]
    is_likely: bool


class DuplicatesPage(OrganizationPage):
    """Base of the two lists. A superadmin chooses the organization first. Whom a list shows is audited."""

    readers = ADMINISTRATORS
    section = "admin:duplicates"
    template_name = "admin/duplicates/page.html"
    title = gettext_lazy("Duplicates")  # type: ignore[assignment]
    tab = "duplicates"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        check_list_parameters(self.request, {"after", "organization"})
        organization = self.organization()
        shown = self._shown(organization) if organization else {}
        return super().get_context_data(
            organization=organization, organizations=self.organizations(), tabs=self._tabs(), tab=self.tab, **shown, **kwargs
        )

    def _shown(self, organization: Organization) -> dict[str, Any]:
        found = list(self.ordered(self.pairs().filter(organization=organization))[: PAIRS + 1])
        rows = [shown_pair(pair) for pair in found[:PAIRS]]
        patients = {(pair.organization_id, pk) for pair, *_words in rows for pk in pair.affected_patients()}
        audit.record_read(self.actor, "patient.search", patients=sorted(patients))
        return {"rows": rows, "next": self.place_of(found[PAIRS - 1]) if len(found) > PAIRS else ""}

    def pairs(self) -> QuerySet[DuplicatePair]:
        """Return the pairs of the list."""
        return duplicates.suspected(self.actor)

    def ordered(self, pairs: QuerySet[DuplicatePair]) -> QuerySet[DuplicatePair]:
        """Return `pairs` in the order of the list, from the place that the address names."""
        weight, pk = self._after(2)
        behind = Q(weight__lte=weight) & (Q(weight__lt=weight) | Q(pk__gt=pk)) if pk else Q()
        return pairs.filter(behind).select_related(*_PEOPLE).order_by("-weight", "pk")

    def place_of(self, pair: DuplicatePair) -> str:
        """Return the place behind `pair`, as an address has it."""
        return f"{pair.weight}-{pair.pk}"

    def _after(self, size: int) -> list[int]:
        """Return the numbers of the place in the address; zeros without one. Raises BadRequest for what is no place."""
        text = self.request.GET.get("after", "")
        numbers = text.split("-") if text else ["0"] * size
        if len(numbers) != size or not all(is_id(number) for number in numbers):
            raise BadRequest(_("This is no place in the list."))
        return [int(number) for number in numbers]

    def _tabs(self) -> list[dict[str, Any]]:
        organization = self.request.GET.get("organization", "")
        tabs = (("duplicates", _("Suspected")), ("duplicates_set_aside", _("Set aside")))
        return [{"title": title, "url": _address(name, organization), "current": name == self.tab} for name, title in tabs]


def _address(name: str, organization: str) -> str:
    return reverse(f"admin:{name}", query={"organization": organization} if organization else None)


def shown_pair(pair: DuplicatePair) -> ShownPair:
    """Return a pair as the lists show it."""
    rows = [duplicates.row_of(patient) for patient in (pair.patient, pair.other)]
    names = duplicates.reasons_of(*rows)
    return ShownPair(pair, [REASONS[name] for name in names], duplicates.weight_of(*rows) >= duplicates.LIKELY)


@page("patients/duplicates/", name="duplicates")
class Suspected(DuplicatesPage):
    """The suspected pairs, the most certain first. Some records that have changed are compared before; the page does the rest."""

    def _shown(self, organization: Organization) -> dict[str, Any]:
        more = duplicates.compare_changed(organization_id=organization.pk, limit=FIRST_STEP) == FIRST_STEP
        return {**super()._shown(organization), "left": _left(organization) if more else 0}


@page("patients/duplicates/set-aside/", name="duplicates_set_aside")
class SetAside(DuplicatesPage):
    """The pairs that somebody has set aside, the latest found first."""

    tab = "duplicates_set_aside"

    def pairs(self) -> QuerySet[DuplicatePair]:
        return duplicates.set_aside(self.actor)

    def ordered(self, pairs: QuerySet[DuplicatePair]) -> QuerySet[DuplicatePair]:
        (pk,) = self._after(1)
        return pairs.filter(Q(pk__lt=pk) if pk else Q()).select_related(*_PEOPLE).order_by("-pk")

    def place_of(self, pair: DuplicatePair) -> str:
        return str(pair.pk)


def _left(organization: Organization) -> int:
    """Return how many records are still to be compared, MANY + 1 where there are more."""
    return duplicates.count_uncompared(organization.pk, MANY + 1)


@page("patients/duplicates/step/", name="duplicates_step")
class CompareStep(OrganizationPage):
    """Compares more of the records that have changed, and answers how many are left. The page is loaded again at the end."""

    template_name = "admin/duplicates/progress.html"
    readers = writers = ADMINISTRATORS
    framed = False
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        organization = self.organization()
        if organization is None:
            raise Http404
        done = duplicates.compare_changed(organization_id=organization.pk, limit=NEXT_STEPS) < NEXT_STEPS
        if not done:
            return self.render_to_response(self.get_context_data(organization=organization, left=_left(organization)))
        address = _address("duplicates", request.GET.get("organization", ""))
        return (
            HttpResponse(headers={"HX-Redirect": address}) if "HX-Request" in request.headers else HttpResponseRedirect(address)
        )


class OnePair(Page):
    """Base of what is done with the pair whose id is the argument `pair_id`. Leads back to the list, where `told` says what."""

    readers = writers = ADMINISTRATORS
    framed = False
    http_method_names = ["post"]
    back = "duplicates"
    told: Any

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            if not is_id(str(kwargs["pair_id"])):
                raise NotFound(_("Pair"))
            pair = self.act(kwargs["pair_id"])
        except NotFound as error:
            audit.record_denied(self.actor, "duplicate_pair.read", subject="duplicate_pair")
            raise Http404 from error
        messages.success(request, self.told % {"one": name_of(pair.patient), "other": name_of(pair.other)})
        return HttpResponseRedirect(_address(self.back, request.GET.get("organization", "")))

    def act(self, pair_id: int) -> DuplicatePair:
        """Call the service."""
        raise NotImplementedError


@page("patients/duplicates/<int:pair_id>/set-aside/", name="duplicate_set_aside")
class SetPairAside(OnePair):
    """The two are not the same person."""

    told = gettext_lazy("%(one)s and %(other)s are set aside as two persons.")

    def act(self, pair_id: int) -> DuplicatePair:
        return duplicates.set_pair_aside(actor=self.actor, pair_id=pair_id)


@page("patients/duplicates/<int:pair_id>/take-back/", name="duplicate_take_back")
class TakePairBack(OnePair):
    """The two may be the same person after all."""

    back = "duplicates_set_aside"
    told = gettext_lazy("%(one)s and %(other)s are suspected again.")

    def act(self, pair_id: int) -> DuplicatePair:
        return duplicates.take_pair_back(actor=self.actor, pair_id=pair_id)
