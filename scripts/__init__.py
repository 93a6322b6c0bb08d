"""Scripts for the commands of `project.yml`, run with `python -m scripts.NAME`."""
