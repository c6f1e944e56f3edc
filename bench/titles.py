"""What sides and kinds of work are called in tables and pictures."""

SIDES = {"product": "Anamnesis", "limit": "no framework", "plain": "plain DRF", "fastapi": "FastAPI"}
TITLES = {
    "list": "practice list of 50 with total",
    "cursor": "practice list of 50 by cursor",
    "public": "public list of 50",
    "general": "general list of 25",
    "one": "one patient",
    "typeahead": "typeahead, four letters",
    "page": "practice list, page 900",
    "counts": "counts by location",
    "status": "list of active patients with total",
    "search": "search with many hits",
    "summary": "medical summary of a long chart",
    "patch": "change of a patient",
    "create": "creation of a patient",
    "import": "import of 10,000 patients",
    "export": "CSV export of measurements",
}
