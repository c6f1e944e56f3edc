"""Lists of what has changed, from which a client that keeps a copy brings it up to date. docs/changes.md is for clients.

A list shows rows in the order in which they last changed, those that other lists leave out too: read from its beginning
it is a full copy, and read on from its last cursor, whenever that is, what has become of it. Each row stands in an
envelope, which is all that is shown of one that is deleted.
"""

from dataclasses import replace
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import override
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from accounts.permissions import Permission
from config.core.orm import has_column, word_for
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.plans import Computed
from config.rest.compiled.queries import Query
from config.rest.fields import ContractSerializer
from config.rest.openapi import BOOLEAN
from config.rest.views import DialectViewSet

BY_CHANGE = Keyset("updated_at", models.DateTimeField(), by_change=True)
ARCHIVED = Computed(lambda actor, deleted_at: deleted_at is not None, ("deleted_at",), schema=BOOLEAN)
NEVER = Computed(lambda actor: False, (), schema=BOOLEAN)


class ChangeEnvelope(ContractSerializer):
    """Base of what stands around rows that have changed."""

    null_where: ClassVar[dict[str, str]] = {"object": "deleted"}

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return {**shown, "object": None} if shown["deleted"] else shown


class ChangesViewSet(DialectViewSet):
    """What has changed of rows of one kind, for staff. Each dialect's own base adds to it."""

    ordering = BY_CHANGE
    permissions: ClassVar[dict[str, Permission]] = {"list": Permission.READ_STAFF_ONLY}

    @classmethod
    def envelope_of(cls, model: type[models.Model]) -> dict[str, serializers.Field]:
        """Return the fields of the envelope of a row of `model` beside `deleted` and `object`."""
        raise NotImplementedError

    @classmethod
    def of(
        cls, shown: type[serializers.ModelSerializer], deleted: Computed | None = None, **attributes: Any
    ) -> type["ChangesViewSet"]:
        """Return the view set of the changes of the rows that the serializer `shown` shows, with further `attributes`.

        `deleted` tells which rows are none any more: by default those that are archived.
        """
        model: type[models.Model] = shown.Meta.model
        named, many = word_for(model), several_of(model)
        envelope = cls._envelope(shown, deleted or (ARCHIVED if has_column(model, "deleted_at") else NEVER))
        about = f"What has changed of {many}, in the order of change: a full read, and what came since where a cursor is given."
        members = {"__module__": cls.__module__, "__doc__": about, "model": model, "serializer_class": envelope, **attributes}
        made = type(f"{model.__name__}{cls.__name__}", (cls,), members)
        words = extend_schema(summary=f"List changes of {many}", operation_id=f"list_{named}_changes")
        return extend_schema_view(list=words)(made)

    @classmethod
    def _envelope(cls, shown: type[serializers.ModelSerializer], deleted: Computed) -> type[ChangeEnvelope]:
        model: type[models.Model] = shown.Meta.model
        declared = {**cls.envelope_of(model), "deleted": deleted, "object": shown(source="*", allow_null=True)}
        members = {"Meta": type("Meta", (), {"model": model, "fields": list(declared)})}
        about = f"What has become of one of the {several_of(model)}: `object` is the row, null where it is deleted."
        name = f"{shown.__name__.removesuffix('Out')}ChangeOut"
        return type(name, (ChangeEnvelope,), {**declared, **members, "__module__": cls.__module__, "__doc__": about})

    def rows_seen(self) -> str:
        """Return a text that is another one as soon as the caller sees other rows than before, of those that did not change."""
        raise NotImplementedError

    def get_queryset(self) -> Query:
        # Asked for before the rows are: what changes in between is told the next time.
        return super().get_queryset().order_by(replace(self.ordering, seen=self.rows_seen()))


def several_of(model: type[models.Model]) -> str:
    """Return what rows of `model` are called in documents: in English, whoever's page has led to this module first."""
    with override(None):
        return str(model._meta.verbose_name_plural)
