"""One rule of each kind and a line of a schedule, as protocols write them."""

HEAVY = {"kind": "measurement", "instrument": "weight", "op": ">", "value": 90, "flag": "orange"}
OVER_100 = {**HEAVY, "value": 100, "flag": "red"}
BOTH = {
    "kind": "combination",
    "all": [{"instrument": "weight", "op": ">", "value": 90}, {"instrument": "pulse", "op": ">=", "value": 100}],
    "within_days": 2,
    "flag": "red",
}
MEAN = {
    "kind": "average",
    "instrument": "weight",
    "window_days": 3,
    "min_count": 3,
    "op": ">",
    "value": 90,
    "flag": "orange",
}
LATE = {"kind": "overdue", "instrument": "weight", "grace_hours": 12, "flag": "orange"}
REMARK = {"kind": "remark", "flag": "grey"}
DAILY = {"instrument": "weight", "every_days": 1, "from_day": 0, "to_day": 30}
# A limit as the dialog of a patient's own limits sends it: the instrument is chosen for all of them.
LIMIT = {"op": ">", "value": 8, "flag": "red"}
