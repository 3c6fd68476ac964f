"""The Python side of the executors of taps-sdk/python; see protocol.py for what it says and hears."""
