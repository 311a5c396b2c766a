"""``her2low schema``: the JSON Schema of study files, for editors."""

from __future__ import annotations

import json

import typer

from analyses.commands.messages import told


def schema() -> None:
    """Print the JSON Schema of study files, for editors that complete and check them.

    Put it in a file and name it in the study's first line:
    # yaml-language-server: $schema=her2low.schema.json
    """
    with told():
        from analyses.study.schema import study_schema

        typer.echo(json.dumps(study_schema(), indent=2, ensure_ascii=False))
