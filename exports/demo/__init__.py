"""The demo clinic: a place to look at, whose people and patients belong to nobody."""
