import sys
from contextlib import redirect_stdout
from typing import Any


def parse_overrides(arguments: list[str]) -> dict[str, Any]:
    """Parse settings that override a config, as in spaCy's commands.

    arguments (list[str]): The arguments, such as --training.max_steps 100.
    RETURNS (dict[str, Any]): The values, by dotted name of the setting.
    RAISES (ValueError): If an argument is no setting.
    """
    from click import NoSuchOption, UsageError
    from spacy.cli._util import parse_config_overrides

    try:
        with redirect_stdout(sys.stderr):
            return parse_config_overrides(list(arguments))
    except NoSuchOption as error:
        raise ValueError(
            f"{error.format_message()} A setting of the config needs its whole name, such as "
            "--training.optimizer.learn_rate.total_steps."
        ) from error
    except UsageError as error:
        raise ValueError(error.format_message()) from error
