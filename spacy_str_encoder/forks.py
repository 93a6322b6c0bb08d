"""Threads in forked processes, which `nlp.pipe` with `n_process` starts on Linux."""

import os
import sys


def use_one_thread_in_forks() -> None:
    """Limit PyTorch to one thread in each forked process, as its own `DataLoader` does.

    Threads do not survive a fork, and PyTorch would wait for them forever:
    https://github.com/pytorch/pytorch/issues/41197
    """
    # Windows can't fork.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_use_one_thread)


def _use_one_thread() -> None:
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
