"""
Starts the program: the text of this file is given to `python -c`. The first frame on the standard input brings the sources, as
`[39, {"bridge.py": "...", ...}]`; from then on bridge.py speaks. It says so where Python is too old for the rest, so it is plain.
"""
import json
import os
import struct
import sys


def read(length):
    data = b""
    while len(data) < length:
        chunk = os.read(0, min(length - len(data), 1 << 20))
        if not chunk:
            sys.exit(0)
        data += chunk
    return data


def start():
    text_length = struct.unpack("<IIII", read(16))[2]
    sources = json.loads(read(text_length).decode("utf-8"))[1]
    if sys.version_info < (3, 9):
        version = ".".join(map(str, sys.version_info[:3]))
        text = "Python %s at %s is too old: taps-sdk needs Python 3.9 or newer" % (version, sys.executable)
        fatal = json.dumps([57, "config", text, ""]).encode("utf-8")
        os.write(1, struct.pack("<IIII", 0x53504154, 0, len(fatal), 0) + fatal)
        sys.exit(1)
    space = {"__name__": "taps_sdk_loader"}
    exec(compile(sources["loader.py"], "taps-sdk/loader.py", "exec"), space)
    space["load"]("taps_sdk_program", sources, "bridge").main(sources)


start()
