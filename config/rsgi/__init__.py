"""The application that `manage.py serve` runs: it waits for slow clients, so that no worker thread has to.

    application.py   one request: static file, body, Django in a thread, answer
    bodies.py        reads a body within a deadline, at a minimum pace and within the memory for bodies, or forgets it
    senders.py       whose key or session a request with a large body carries
    environ.py       what Django is given
    answers.py       sends answers, large ones as fast as the client reads
    pipes.py         a pipe from which the server reads at the client's pace
    connections.py   closes connections, and lets the system close those whose client has stopped reading
    static_files.py  files of STATIC_ROOT

A thread is held only while Django works. A client that sends or reads slowly costs a coroutine.
"""
