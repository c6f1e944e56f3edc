"""Keys for a database of invented patients, the same in each run, as imports have stored numbers with them."""

import base64

KEYS = dict.fromkeys(("SECRET_KEY", "INDEX_KEY", "CURSOR_KEY"), "known to all, for benchmarks only. " * 2)
KEYS["FIELD_KEYS"] = "k1:" + base64.b64encode(b"known to all, for benchmarks....").decode()
