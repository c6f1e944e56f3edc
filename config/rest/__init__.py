"""The grammar of the API dialects: what every endpoint shares, and one module a dialect for its wire format.

A view set here is a REST framework GenericViewSet, and these carry what they carry there:
`authentication_classes`, `throttle_classes`, `parser_classes`, `filter_backends`, `filterset_class`,
`pagination_class`, `get_serializer_class`, `lookup_url_kwarg`, `filter_queryset`, `paginate_queryset`,
`get_paginated_response`, `perform_authentication`, `check_throttles`, `check_permissions`,
`handle_exception`. Where we differ:

==========================  ==============================================  ========================================
REST framework              here                                            why
==========================  ==============================================  ========================================
`initial`                   authentication, rate limit, verb, what the path  an error must not tell more than the
                            names (`resolve_path_scope`), for a write the    caller may know: what is foreign is 404
                            object, role, in this order                      before a role is 403
`request.user`              the `Actor`: user, role, organization, groups;   one query reads them all with the key
                            None without a key
`request.auth`              `KeyUse`: what the caller may know of the key,   `GET …/me` asks nothing further; PostgreSQL
                            and the allowance where it came with the key     counts in the statement that reads the key
`queryset`                  `model`, and `get_queryset` from scope           rows are reached through scope only
QuerySet                    `compiled.queries.Query`: `filter`, `order_by`,  its SQL is compiled once
                            `rows`, `count`, `exists`, and no more
`serializer_class`          the response's serializer, compiled into         50 rows of 70 fields in 1 ms
                            `response_plan`; `to_representation(rows)`
                            audits the read and builds the objects
`get_serializer`            `get_request_serializer`, of the body; one for   bodies and responses differ; fields are
                            each action in `request_serializer_classes`      made once, not for each request
`get_object`                the row by the plan's columns, in a list of      a write needs the id, and the service
                            one; `get_object_id` for writes                  locks the row itself
`perform_create(serializer)`  returns the id of the row, or `Written` with   the response is read by the compiled
and `perform_update`        what the response says beside its columns        path, in the transaction of the write
`create`, `partial_update`  run `write(perform)`: body, Idempotency-Key,     one transaction, one way for every
                            validation, references, `perform`, response;     action that writes
                            `update` (PUT, general only) is partial, too
`permission_classes`        one class; what an action requires of the role   one table of roles, accounts/permissions.py
                            is in `permissions`, without which `as_view`
                            refuses a view that writes
`renderer_classes`,         not consulted: responses are `ApiResponse`,      JSON is the only format, and rendering
content negotiation         rendered at once by orjson                       must not fail after the commit
`ValidationError` bodies    `problems_of` -> `Problem` -> `Errors` of the    one place for the wording of a dialect
                            dialect
`SearchFilter`              filters of the filter set                        documented parameters only
`OrderingFilter`            practice.SortFilter, in practice only:           the contract has sort_by and sort_dir
                            `ordering_fields`, `default_sort`,
                            `default_sort_dir`
routers, `@action`          lines of urls.py; view sets that are alike have  one table of contents in plain lines
                            `paths()`
`lookup_field`, versioning, not used; OPTIONS is 405                          the contracts have none of it
`format_kwarg`
==========================  ==============================================  ========================================

Ours alone: `deprecations`, `page_size`, `idempotent_actions`, `archived_actions`, `constraint_errors`, `error_fields`,
`envelopes`, `query_parameters`, `batch_key`, `batch_serializer_classes`, `stream_media_types`,
`max_body_size`, `max_body_values`, `lookup_schema`, and the hooks `scoped_query`, `lookup_criterion`, `respond`,
`not_found_for`, `disclosed`, `audit_read`, `read_event`, `patient_columns`, `named_patients`; each has its line in
views.py or auditing.py, `batch_key` in throttling.py, `deprecations` in deprecation.py. View sets of changes are made by
`ChangesViewSet.of` (changes.py), with the hooks `envelope_of` and `rows_seen`. What differs from django-filter is said in
filters.py, and how reads are compiled in compiled/__init__.py.
"""
