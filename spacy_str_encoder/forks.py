"""Threads in forked processes, which `nlp.pipe` with `n_process` starts on Linux."""

import os
import sys

# Of the tokenizers library: whether it may use threads.
PARALLELISM = "TOKENIZERS_PARALLELISM"
# Set while a process forks, if the user has not set it.
_is_ours = False


def use_one_thread_in_forks() -> None:
    """Limit PyTorch and the tokenizers library to one thread in each forked process.

    Threads do not survive a fork, and PyTorch would wait for them forever:
    https://github.com/pytorch/pytorch/issues/41197. Tokenizers fall back to one thread by
    themselves, with a warning in each process about what the user did not do.
    """
    # Windows can't fork.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_limit_tokenizers,
            after_in_parent=_release_tokenizers,
            after_in_child=_use_one_thread,
        )


def _limit_tokenizers() -> None:
    global _is_ours
    # Without our encoder, tokenizers are used by others, and the warning is meant for them.
    if f"{__package__}.layers.windows" in sys.modules and PARALLELISM not in os.environ:
        _is_ours = True
        os.environ[PARALLELISM] = "false"


def _release_tokenizers() -> None:
    global _is_ours
    if _is_ours:
        _is_ours = False
        os.environ.pop(PARALLELISM, None)


def _use_one_thread() -> None:
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
