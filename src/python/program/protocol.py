"""
What the program says and hears. A message is a frame (frames.py) whose text is a JSON array: its first element says what it is.

The client starts `python -u -c <bootstrap.py>` and writes `[39, {file name: source}]`, then START:

    [40, {
      "factory": "dask" | "ray" | "parsl" | "globus" | "taskvine" | "module:callable",
      "options": {...},                 // of the back end, see its class
      "host": {
        "node": str | null,             // path of Node on the workers' side; null: "node" on its PATH
        "execArgv": [str, ...],         // options of Node
        "folder": str | null,           // where Node starts; null: where the back end's worker is
        "env": {name: str},             // added to the environment of Node
        "idleTimeout": float | null     // ms after which a worker without work is ended; null: never
      },
      "hostInit": str,                  // the first message for a hosted worker, as text
      "workerSource": str               // the program of a hosted worker
    }]

Paths and text that a client gives are its own; nothing that comes from a back end's worker is evaluated.
"""

# From the client to this program.
START = 40
SEND = 41
CANCEL = 42
ABORT_CALL = 43
WARMUP = 44
END = 45

# From this program to the client.
READY = 50
SLOTS = 51
ANSWER = 52
EARLY = 53
LOST = 54
NOT_RUN = 55
WROTE = 56
FATAL_ERROR = 57
WARMED = 58
EVENT = 59
# [50, {slots, python, executable, backend, version, hostname, pid, address, logs}]  [51, slots]
# [52, id] beside: the answer  [53, id] beside: messages of it  [54, id, how, host, state, traceback, worker]  [55, id]
# [56, stream, line, host, worker]  [57, kind, message, traceback]  [58, id, {message, traceback} | null] beside: a LOADED message
# [59, name, host, worker, how]

# To a hosted worker, see src/worker/protocol.ts.
ABORT = 1
LOAD = 2
WORKER_END = 3
PACK = 30
PYTHON_PACK = 32
TIME_UP = 33

# From a hosted worker.
WORKER_READY = 10
RESULTS = 11
BEGUN = 12
LOADED = 13
LINE = 14
FATAL = 15

# In the answer to a pack.
HOST = 20
PACKED = 21
CRASHED = 22
TIMED_OUT = 23
REFUSED = 24
GIVEN_BACK = 25

# What became of a call.
FAILURE = 2
SKIPPED = 5
PYTHON_VALUE = 8

# Between host and program, on the side channel.
SIDE_HELLO = 60  # [60, host name, pid]
SIDE_BEGUN = 61  # [61, key]: the pack runs there
SIDE_EARLY = 62  # [62, key], beside: messages of its answer
SIDE_WROTE = 63  # [63, stream, line, worker]
SIDE_EVENT = 64  # [64, name, worker, how]
SIDE_ABORT = 65  # [65, key, position], beside: the frame for the worker
SIDE_CLAIM = 68  # [68, key]: the pack is about to begin there; and back [68, key, whether it may]
SIDE_SYNC = 69  # [69, key]: back again once all that was told of the pack before is with the client
SIDE_CANCEL = 67  # [67, key]: the pack is not to begin
SIDE_BYE = 66  # [66]: the program ends on purpose

NEED = b"NEED"
"""What a worker answers that has not got the sources and the setup yet."""
AGAIN = b"AGAIN"
"""What a worker answers to a pack that had begun elsewhere before: the back end wants to run it again."""
NOT_BEGUN = b"NOT_BEGUN"
"""What a worker answers to a pack that was cancelled before it came there."""
