from dataclasses import dataclass


@dataclass(frozen=True)
class PretrainingSettings:
    """Settings of pretraining.

    steps (int | None): The number of updates; if None, `epochs` applies.
    epochs (float): The number of passes over the texts.
    batch_size (int): The number of windows per update.
    learn_rate (float): The peak learning rate.
    mask_rate (float): The share of the words to mask in training.
    save_every (int): The number of updates between checkpoints, each with an evaluation.
    seed (int): The seed of the head, the held-out texts, the order, the masks and dropout.
    """

    steps: int | None = None
    epochs: float = 10.0
    batch_size: int = 32
    learn_rate: float = 1e-4
    mask_rate: float = 0.15
    save_every: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values.

        RAISES (ValueError): If a value is out of range.
        """
        for name in ("steps", "epochs", "batch_size", "learn_rate", "save_every"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"{name} ({value}) must be above 0")
        if not 0 < self.mask_rate < 1:
            raise ValueError(f"mask_rate ({self.mask_rate}) must be above 0 and below 1")
