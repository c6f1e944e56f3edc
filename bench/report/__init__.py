"""The results of a bench as tables, pictures, and the generated parts of docs/scaling.md. Needs neither Django nor a database."""

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "bench" / "results" / "bench.json"
