"""The FastAPI side: FastAPI with SQLAlchemy's async ORM on asyncpg, as their documentation shows it, on the same tables.

It answers the same 67 fields, checks the same key and keeps to the key's organization. It has no rate limit, no audit trail and
no masking. It runs in an environment of its own (requirements-bench.txt), and imports nothing of the product.
"""

import datetime
import hashlib
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict, create_model
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.ext.declarative import DeferredReflection
from sqlalchemy.orm import DeclarativeBase, joinedload, relationship

PAGE = 50
ADDRESS = os.environ["DATABASE_URL"].partition("://")[2]
engine = create_async_engine(f"postgresql+asyncpg://{ADDRESS}", pool_size=8, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Reflected(DeferredReflection):
    """Base of models whose columns are read from the database at start."""

    __abstract__ = True


class Base(DeclarativeBase):
    pass


class Organization(Reflected, Base):
    __tablename__ = "accounts_organization"


class User(Reflected, Base):
    __tablename__ = "accounts_user"
    organization = relationship("Organization")


class ApiKey(Reflected, Base):
    __tablename__ = "accounts_apikey"
    user = relationship("User", foreign_keys="ApiKey.user_id")


class BillingType(Reflected, Base):
    __tablename__ = "patients_billingtype"


class CareGroup(Reflected, Base):
    __tablename__ = "accounts_caregroup"


class Employer(Reflected, Base):
    __tablename__ = "patients_employer"


class FeeSchedule(Reflected, Base):
    __tablename__ = "patients_feeschedule"


class Location(Reflected, Base):
    __tablename__ = "patients_location"


class Provider(Reflected, Base):
    __tablename__ = "patients_provider"


class Patient(Reflected, Base):
    __tablename__ = "patients_patient"
    billing_type = relationship("BillingType")
    care_group = relationship("CareGroup")
    employer = relationship("Employer")
    fee_schedule = relationship("FeeSchedule")
    location = relationship("Location")
    primary_provider = relationship("Provider", foreign_keys="Patient.primary_provider_id")
    secondary_provider = relationship("Provider", foreign_keys="Patient.secondary_provider_id")
    merged_into = relationship("Patient", foreign_keys="Patient.merged_into_id", remote_side="Patient.id")
    responsible_party = relationship("Patient", foreign_keys="Patient.responsible_party_id", remote_side="Patient.id")
    medicaid_id = social_security_number = potential_duplicates = None

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def scheduling_restricted(self) -> bool:
        return self.status == "inactive" or self.balance_total > 500


LINKED = (
    "billing_type",
    "care_group",
    "employer",
    "fee_schedule",
    "location",
    "merged_into",
    "primary_provider",
    "responsible_party",
    "secondary_provider",
)


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Reference(Out):
    uuid: uuid.UUID
    name: str


TEXTS = """
address_line1 address_line2 address_note allergy_review_status appointment_module_note chart_number city country email
emergency_contact_name emergency_contact_phone first_name gender home_phone last_name marital_status medicaid_id medical_summary
medical_urgent_note middle_name mobile_phone postal_code potential_duplicates preferred_confirmation_method
preferred_contact_method preferred_language preferred_name pronoun salutation smoking_snomed social_security_number state status
title treatment_notes work_phone
"""
BALANCES = """
balance_0_30 balance_31_60 balance_61_90 balance_over_90 balance_total estimated_balance insurance_estimate payment_plan_due
"""
# The types of the fields of an answer.
FIELDS: dict[Any, str] = {
    str: TEXTS,
    Decimal: BALANCES,
    int: "ask_to_arrive_early_mins billing_cycle_day consent_flags version",
    bool: "premedication_required receives_email receives_sms scheduling_restricted",
    datetime.date: "date_first_visit date_of_birth latest_vitals_date",
    datetime.datetime: "created_at date_time_deceased deleted_at updated_at",
    Reference: " ".join(LINKED),
}
OUT = {name: (kind | None, ...) for kind, names in FIELDS.items() for name in names.split()}


class Identified(Out):
    id: uuid.UUID

    @classmethod
    def of(cls, patient: Patient) -> "Identified":
        """Return `patient` as an answer shows them: the id is the UUID."""
        return cls.model_validate(
            {name: getattr(patient, name) for name in cls.model_fields if name != "id"} | {"id": patient.uuid}
        )


PatientOut = create_model("PatientOut", __base__=Identified, **OUT)
ITEM = "first_name middle_name last_name preferred_name date_of_birth status mobile_phone home_phone email chart_number"
ItemOut = create_model("ItemOut", __base__=Identified, **{name: OUT[name] for name in ITEM.split()})


class Page(Out):
    items: list[PatientOut]
    total: int


class Found(Out):
    items: list[ItemOut]
    total: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Reflected.prepare)
    yield


app = FastAPI(lifespan=lifespan)


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]


async def organization_id(request: Request, session: Session) -> int:
    """Return the id of the organization of the key; 401 without a working one."""
    raw = request.headers.get("Authorization", "").removeprefix("Bearer ")
    _, _, rest = raw.partition("_")
    key_id, _, secret = rest.partition("_")
    query = select(ApiKey).options(joinedload(ApiKey.user).joinedload(User.organization)).where(ApiKey.key_id == key_id)
    key = (await session.scalars(query)).first()
    # The secret's last six characters are a checksum.
    if key is None or key.secret_hash != hashlib.sha256(secret[:-6].encode()).digest() or key.revoked_at:
        raise HTTPException(401)
    return key.user.organization.id


Scope = Annotated[int, Depends(organization_id)]


def listed(organization: int) -> Any:
    return select(Patient).where(Patient.organization_id == organization, Patient.deleted_at.is_(None))


def with_linked(query: Any) -> Any:
    return query.options(*(joinedload(getattr(Patient, name)) for name in LINKED))


async def count(session: AsyncSession, query: Any) -> int:
    return await session.scalar(select(func.count()).select_from(query.subquery())) or 0


@app.get("/api/v1/{org_id}/patients", response_model=Page)
async def list_patients(org_id: uuid.UUID, session: Session, scope: Scope, page: int = 1) -> Any:
    query = listed(scope)
    rows = with_linked(query).order_by(Patient.last_name_key, Patient.id)
    found = await session.scalars(rows.limit(PAGE).offset(PAGE * (page - 1)))
    return {"items": [PatientOut.of(row) for row in found], "total": await count(session, query)}


@app.get("/api/v1/{org_id}/patients/cursor", response_model=list[PatientOut])
async def list_by_cursor(org_id: uuid.UUID, session: Session, scope: Scope) -> Any:
    rows = with_linked(listed(scope)).order_by(Patient.last_name_key, Patient.id).limit(PAGE)
    return [PatientOut.of(row) for row in await session.scalars(rows)]


@app.get("/api/v1/{org_id}/patients/search", response_model=Found)
async def search(org_id: uuid.UUID, session: Session, scope: Scope, q: str) -> Any:
    columns = (Patient.first_name, Patient.last_name, Patient.preferred_name, Patient.chart_number)
    query = listed(scope).where(or_(*(column.icontains(q) for column in columns)))
    found = await session.scalars(query.order_by(Patient.last_name_key, Patient.id).limit(PAGE))
    return {"items": [ItemOut.of(row) for row in found], "total": await count(session, query)}


@app.get("/api/v1/{org_id}/patients/{patient_id}", response_model=PatientOut)
async def get_patient(org_id: uuid.UUID, patient_id: uuid.UUID, session: Session, scope: Scope) -> Any:
    query = with_linked(listed(scope)).where(Patient.uuid == patient_id)
    patient = (await session.scalars(query)).first()
    if patient is None:
        raise HTTPException(404)
    return PatientOut.of(patient)
