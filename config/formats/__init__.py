"""How the admin writes days and times, in the languages that it has."""
