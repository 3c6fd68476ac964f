"""Python reads this at its start, where the folder is on its path."""

import os

# Not in the workers of the endpoint.
if os.environ.pop("TAPS_SDK_TEST_GLOBUS", None) == "1":
    import endpoint

    endpoint.install()
