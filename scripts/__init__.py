"""What the commands of `project.yml` run, each with `python -m scripts.NAME`."""
