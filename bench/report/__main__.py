"""`python -m bench.report`: write the results of the last run into docs/scaling.md and its pictures."""

import json

from bench.report import RESULTS, ROOT
from bench.report.documents import renewed
from bench.report.pictures import PICTURES

DOCUMENT = ROOT / "docs" / "scaling.md"


def main() -> None:
    if not RESULTS.exists():
        raise SystemExit("There are no results yet: make bench")
    figures = json.loads(RESULTS.read_text(encoding="utf-8"))
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8"), figures), encoding="utf-8")
    for name, picture in PICTURES.items():
        (ROOT / "docs" / "images" / name).write_text(picture(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
