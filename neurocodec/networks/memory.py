"""Keep memory that torch frees for its next tensors, instead of returning it to the system."""

import ctypes
import sys
from functools import lru_cache

# <malloc.h>
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_KEPT_BYTES = 1 << 30
_STEP_BYTES = 64 << 20


@lru_cache(maxsize=1)
def keep() -> None:
    """Set glibc's thresholds; elsewhere nothing happens.

    Every fresh page of a tensor costs a page fault, a quarter of npp-light's time, and in
    training more.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_TOP_PAD, _STEP_BYTES)
