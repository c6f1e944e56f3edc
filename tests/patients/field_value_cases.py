"""Values that custom fields of each type take, and such that they do not."""

from typing import Any

from patients.services.field_values import MAX_NUMBER, MAX_TEXT

# Of the fields whose values are chosen.
OPTIONS = ["Left", "Right", "Øst"]

GOOD: list[tuple[str, Any]] = [
    ("text", "blue"),
    ("text", ""),
    ("text", ' Łódź "ø" 👩‍⚕️ e\u0301\u202e\t\n\\'),
    ("text", "null"),
    ("text", "x" * MAX_TEXT),
    ("number", 0),
    ("number", -1),
    ("number", 0.1),
    ("number", -273.15),
    ("number", 1e-7),
    ("number", 5e-324),
    ("number", 123456789.0625),
    ("number", 0.30000000000000004),
    ("number", MAX_NUMBER),
    ("number", -MAX_NUMBER),
    ("date", "2024-02-29"),
    ("date", "0001-01-01"),
    ("date", "9999-12-31"),
    ("boolean", True),
    ("boolean", False),
    ("dropdown", "Øst"),
    ("multi_select", ["Øst", "Left"]),
    ("multi_select", ["Right"]),
    ("multi_select", []),
]

NOT_TEXT: list[Any] = [0, 1, 1.5, True, False, [], {}, ["Left"], {"a": 1}, [[]]]
BAD: dict[str, list[Any]] = {
    "text": [*NOT_TEXT, "x" * (MAX_TEXT + 1)],
    "number": ["", "1", True, False, [], {}, [1], MAX_NUMBER + 1, -MAX_NUMBER - 1, 2**63, 10**30, 1e16, 1e308, -1e308],
    "date": [
        *NOT_TEXT,
        "",
        "2023-02-29",
        "2024-2-29",
        "20240229",
        "2024-W09-4",
        "2024-060",
        "29-02-2024",
        "2024-02-29T00:00:00Z",
        "2024-02-29\n",
        " 2024-02-29",
        "２０２４-02-29",
        "0000-01-01",
        "10000-01-01",
        "-2024-02-29",
    ],
    "boolean": ["", "true", "True", "yes", 0, 1, 1.0, [], {}, [True]],
    "dropdown": [*NOT_TEXT, "", "left", "Left ", "Up", "Left\n", "O\u0338st", "\u00d8ST"],
    "multi_select": [
        "",
        "Left",
        0,
        1,
        True,
        {},
        {"Left": 1},
        [""],
        ["Up"],
        ["Left", "Left"],
        ["Left", None],
        ["Left", 1],
        [["Left"]],
        ["Left", "Up"],
        [True],
        [{}],
    ],
}
