"""Torch modules and the border between them and pictures. Nothing here is imported without need."""

import os

# Idle threads of torch would spin on the cores that encoders beside it need.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
