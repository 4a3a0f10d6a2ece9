"""Torch modules, and the border between pictures and tensors. Imported only when needed."""

import os

# Idle threads of torch would spin on the cores that encoders beside it need.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
